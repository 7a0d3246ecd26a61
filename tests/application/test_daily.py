"""Upkeep at the start and every day."""

import asyncio

from application.daily import daily
from domain.errors import Unavailable


class Upkeep:
    """Fails as often as told, then does its work; `times` counts the tries."""

    def __init__(self, failures: int = 0) -> None:
        self._failures = failures
        self.times = 0
        self.tried = asyncio.Event()

    async def __call__(self) -> None:
        self.times += 1
        self.tried.set()
        if self.times <= self._failures:
            raise Unavailable("not now")

    async def next(self) -> None:
        self.tried.clear()
        async with asyncio.timeout(10):
            await self.tried.wait()


async def test_it_is_done_before_anything_else() -> None:
    upkeep = Upkeep()
    async with daily(upkeep):
        assert upkeep.times == 1


async def test_it_can_wait_until_everything_else_has_begun() -> None:
    upkeep = Upkeep()
    async with daily(upkeep, again=0.002, at_once=False):
        assert upkeep.times == 0
        await upkeep.next()
        assert upkeep.times == 1


async def test_it_is_done_again_every_day_until_the_end() -> None:
    upkeep = Upkeep()
    async with daily(upkeep, day=0.002):
        for _ in range(3):
            await upkeep.next()
    times = upkeep.times
    await asyncio.sleep(0.02)
    assert upkeep.times == times >= 4


async def test_what_fails_is_tried_again_sooner_and_stops_nobody() -> None:
    upkeep = Upkeep(failures=2)
    async with daily(upkeep, again=0.002):
        await upkeep.next()
        await upkeep.next()
        await asyncio.sleep(0.02)
        assert upkeep.times == 3


async def test_leaving_while_it_is_at_work_does_not_wait_for_it() -> None:
    begun = asyncio.Event()

    async def endless() -> None:
        if begun.is_set():
            await asyncio.sleep(60)
        begun.set()

    async with asyncio.timeout(10), daily(endless, day=0.001):
        await asyncio.sleep(0.01)
