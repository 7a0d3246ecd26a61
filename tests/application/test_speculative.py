"""Tasks that may outlive who began them."""

import asyncio

import pytest

from application.speculative import Speculative
from domain.errors import Unavailable


async def test_what_is_begun_is_at_work_at_once() -> None:
    speculative = Speculative()

    async def work() -> int:
        return 7

    assert await speculative.begin(work()) == 7
    await speculative.close()


async def test_closing_gives_up_what_is_at_work() -> None:
    speculative = Speculative()
    task = speculative.begin(asyncio.sleep(30))
    await asyncio.sleep(0)
    await speculative.close()
    assert task.cancelled()


async def test_a_failure_is_for_who_waits() -> None:
    speculative = Speculative()

    async def fails() -> None:
        raise Unavailable("away")

    waited = speculative.begin(fails())
    with pytest.raises(Unavailable):
        await waited
    unwaited = speculative.begin(fails())
    await asyncio.wait({unwaited})
    await speculative.close()
    assert unwaited.done()


async def test_closing_does_not_wait_for_what_will_not_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.speculative._CLOSING_SECONDS", 0.05)
    speculative = Speculative()
    let_go = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await let_go.wait()

    task = speculative.begin(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await speculative.close()
    assert not task.done()
    let_go.set()
    await task
