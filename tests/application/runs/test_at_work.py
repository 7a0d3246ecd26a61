"""What a process is at work on, and that it leaves none of it behind."""

import asyncio

from application.runs.at_work import AtWork
from application.unbroken import unbroken
from domain.identifiers import SpaceId
from fixtures.making import new_id

SPACE, KEY = SpaceId(new_id()), new_id()


class _Work:
    """Goes on until it is cancelled, and then has something to clean up."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.cleaned = False

    async def __call__(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await unbroken(self._clean())

    async def _clean(self) -> None:
        await asyncio.sleep(0.02)
        self.cleaned = True


async def test_whoever_stops_all_work_waits_also_for_what_was_replaced() -> None:
    at_work, earlier, later = AtWork(2, lambda: None), _Work(), _Work()
    for mark, work in enumerate((earlier, later)):
        at_work.begin(SPACE, KEY, mark, work)
        await work.begun.wait()
    assert await at_work.stop() == 2
    assert earlier.cleaned
    assert later.cleaned


async def test_the_same_work_is_begun_once() -> None:
    at_work, first, again = AtWork(2, lambda: None), _Work(), _Work()
    at_work.begin(SPACE, KEY, 1, first)
    await first.begun.wait()
    at_work.begin(SPACE, KEY, 1, again)
    assert (at_work.marks, at_work.free) == ({KEY: 1}, 1)
    assert await at_work.stop() == 1
    assert not again.begun.is_set()
