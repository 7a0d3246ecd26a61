"""What only Argon2 itself must keep: time, memory and the event loop."""

import asyncio
import time
from collections.abc import Iterator
from statistics import median

import pytest

from adapters.crypto.argon2 import Argon2Cost, Argon2PasswordHasher
from domain.auth.password import HashingBusy

_SLOW = Argon2Cost(memory_kib=16 * 1024, passes=3)


@pytest.fixture
def hasher() -> Iterator[Argon2PasswordHasher]:
    made = Argon2PasswordHasher(cost=_SLOW, at_once=1, waiting=2)
    yield made
    made.close()


async def test_the_defaults_are_at_least_what_owasp_advises() -> None:
    hasher = Argon2PasswordHasher()
    kept = await hasher.hash("plum velvet orbit")
    hasher.close()
    assert kept.startswith("$argon2id$v=19$m=65536,t=2,p=1$")


async def test_without_an_account_it_takes_as_long_as_with_a_wrong_password(
    hasher: Argon2PasswordHasher,
) -> None:
    kept = await hasher.hash("plum velvet orbit")
    times: dict[str | None, list[float]] = {None: [], kept: []}
    for _ in range(9):
        for against, seconds in times.items():
            began = time.thread_time(), time.perf_counter()
            assert not await hasher.verify("a wrong password", against)
            seconds.append(time.perf_counter() - began[1])
    nobody, somebody = median(times[None]), median(times[kept])
    assert 0.5 < nobody / somebody < 2


async def test_the_event_loop_goes_on_meanwhile(hasher: Argon2PasswordHasher) -> None:
    hashing = asyncio.ensure_future(hasher.hash("plum velvet orbit"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100
    assert await hashing


async def test_more_than_there_is_room_for_are_told_to_try_again(
    hasher: Argon2PasswordHasher,
) -> None:
    answers = await asyncio.gather(
        *(hasher.hash("plum velvet orbit") for _ in range(10)), return_exceptions=True
    )
    assert len([one for one in answers if isinstance(one, HashingBusy)]) == 7
    assert len([one for one in answers if isinstance(one, str)]) == 3
    assert await hasher.verify("plum velvet orbit", await hasher.hash("plum velvet orbit"))


async def test_who_leaves_gives_the_place_to_the_next(hasher: Argon2PasswordHasher) -> None:
    leaving = [asyncio.ensure_future(hasher.hash("plum velvet orbit")) for _ in range(3)]
    await asyncio.sleep(0)
    for one in leaving:
        one.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    assert await hasher.hash("plum velvet orbit")
