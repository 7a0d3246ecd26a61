"""Work that must be recorded although a dependency is away for a moment."""

import asyncio

import pytest

from application.retrying import until_available
from application.unbroken import unbroken
from domain.errors import Conflict, Unavailable


class Store:
    """Fails as told, in order, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.tries = 0

    async def write(self) -> str:
        self.tries += 1
        if self._failures:
            raise self._failures.pop(0)
        return "kept"


async def test_what_is_away_for_a_moment_is_tried_again() -> None:
    store = Store(Unavailable("away"), Unavailable("away"))
    assert await until_available(store.write) == "kept"
    assert store.tries == 3


async def test_any_other_failure_is_told_at_once() -> None:
    store = Store(Conflict("taken"))
    with pytest.raises(Conflict):
        await until_available(store.write)
    assert store.tries == 1


async def test_a_cancellation_ends_the_waiting() -> None:
    store = Store(*[Unavailable("away")] * 9)
    waiting = asyncio.ensure_future(until_available(store.write))
    await asyncio.sleep(0.02)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert store.tries == 1


async def test_a_cancellation_that_came_during_a_try_that_failed_is_not_forgotten() -> None:
    begun, failing, tries = asyncio.Event(), asyncio.Event(), 0

    async def write() -> None:
        nonlocal tries
        tries += 1
        begun.set()
        await failing.wait()
        raise Unavailable("away")

    waiting = asyncio.ensure_future(until_available(lambda: unbroken(write())))
    await begun.wait()
    waiting.cancel()
    await asyncio.sleep(0)
    failing.set()
    async with asyncio.timeout(5):
        await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert tries == 1
