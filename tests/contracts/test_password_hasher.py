"""The contract of `PasswordHasher`, on every adapter."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from adapters.crypto.argon2 import Argon2Cost, Argon2PasswordHasher
from adapters.memory.password_hasher import QuickPasswordHasher
from application.ports.password_hasher import PasswordHasher

_CHEAP, _DEARER = Argon2Cost(memory_kib=64, passes=1), Argon2Cost(memory_kib=128, passes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashers:
    today: PasswordHasher
    tomorrow: PasswordHasher


@pytest.fixture(params=["argon2", "memory"])
def hashers(request: pytest.FixtureRequest) -> Iterator[Hashers]:
    if request.param == "memory":
        yield Hashers(today=QuickPasswordHasher(), tomorrow=QuickPasswordHasher(generation=2))
        return
    today, tomorrow = Argon2PasswordHasher(cost=_CHEAP), Argon2PasswordHasher(cost=_DEARER)
    yield Hashers(today=today, tomorrow=tomorrow)
    today.close()
    tomorrow.close()


async def test_a_password_is_known_again_and_another_is_not(hashers: Hashers) -> None:
    kept = await hashers.today.hash("plum velvet orbit")
    assert await hashers.today.verify("plum velvet orbit", kept)
    assert not await hashers.today.verify("plum velvet orbiT", kept)
    assert not await hashers.today.verify("", kept)


async def test_a_hash_does_not_hold_the_password_and_differs_each_time(hashers: Hashers) -> None:
    first, second = await asyncio.gather(
        hashers.today.hash("plum velvet orbit"), hashers.today.hash("plum velvet orbit")
    )
    assert first != second
    assert "plum" not in first


@pytest.mark.parametrize("kept", [None, "", "nonsense", "$argon2id$", "x" * 3000, "1$2"])
async def test_nothing_verifies_against_what_is_no_hash(hashers: Hashers, kept: str | None) -> None:
    assert not await hashers.today.verify("plum velvet orbit", kept)
    assert not await hashers.today.verify("", kept)


async def test_a_hash_of_other_parameters_verifies_and_is_outdated(hashers: Hashers) -> None:
    kept = await hashers.today.hash("plum velvet orbit")
    assert not hashers.today.outdated(kept)
    assert hashers.tomorrow.outdated(kept)
    assert await hashers.tomorrow.verify("plum velvet orbit", kept)
    assert not hashers.tomorrow.outdated(await hashers.tomorrow.hash("plum velvet orbit"))


async def test_what_is_no_hash_is_outdated(hashers: Hashers) -> None:
    assert hashers.today.outdated("nonsense")


async def test_long_and_strange_passwords_are_told_apart(hashers: Hashers) -> None:
    long = "ü" * 512
    kept = await hashers.today.hash(long)
    assert await hashers.today.verify(long, kept)
    assert not await hashers.today.verify(long[:-1], kept)
    strange = await hashers.today.hash("\ud800 half a pair")
    assert await hashers.today.verify("\ud800 half a pair", strange)
