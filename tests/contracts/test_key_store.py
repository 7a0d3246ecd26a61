"""The contract of `KeyStore`, on every adapter."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.key_store import MemoryKeyStore
from adapters.postgres.key_store import PostgresKeyStore
from application.ports.key_store import KeyStore
from domain.auth.key_rotation import KeyTimes
from domain.auth.signing_key import PublicKey, SealedKey
from fixtures.making import NOON


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> KeyStore:
    if request.param == "memory":
        return MemoryKeyStore()
    return PostgresKeyStore(request.getfixturevalue("pool"))


def _key(kid: str, minutes: float = 0) -> SealedKey:
    at = NOON + timedelta(minutes=minutes, microseconds=1)
    return SealedKey(
        times=KeyTimes(kid=kid, publish_time=at, activate_time=at + timedelta(seconds=10)),
        public=PublicKey(kid=kid, n=f"n-of-{kid}", e="AQAB"),
        sealed_private=f"sealed {kid}".encode(),
    )


async def _keep(store: KeyStore, *keys: SealedKey) -> tuple[SealedKey, ...]:
    return await store.change(lambda _: keys)


async def test_there_is_no_key_at_first(store: KeyStore) -> None:
    assert await store.all() == ()


async def test_what_is_decided_is_kept_in_the_order_of_activation(store: KeyStore) -> None:
    first, second = _key("b", 1), _key("a", 2)
    assert await _keep(store, second, first) == (first, second)
    assert await store.all() == (first, second)


async def test_a_decision_is_made_on_what_the_one_before_it_left(store: KeyStore) -> None:
    await _keep(store, _key("a"))
    seen: list[tuple[SealedKey, ...]] = []

    def add(keys: tuple[SealedKey, ...]) -> tuple[SealedKey, ...]:
        seen.append(keys)
        return (*keys, _key("b", 1))

    assert await store.change(add) == (_key("a"), _key("b", 1))
    assert seen == [(_key("a"),)]


async def test_a_key_that_is_not_kept_is_forgotten(store: KeyStore) -> None:
    await _keep(store, _key("a"), _key("b", 1))
    assert await _keep(store, _key("b", 1)) == (_key("b", 1),)
    assert await _keep(store) == await store.all() == ()


async def test_the_times_of_a_key_can_be_moved(store: KeyStore) -> None:
    key = _key("b", 5)
    await _keep(store, _key("a"), key)
    sooner = replace(key, times=replace(_key("b", 2).times))
    assert await _keep(store, _key("a"), sooner) == (_key("a"), sooner)


async def test_a_decision_that_fails_changes_nothing(store: KeyStore) -> None:
    await _keep(store, _key("a"))

    def fail(_: tuple[SealedKey, ...]) -> tuple[SealedKey, ...]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.change(fail)
    assert await store.all() == (_key("a"),)


def test_neither_half_at_rest_nor_in_use_shows_in_a_repr() -> None:
    assert "sealed b" not in repr(_key("b"))
