"""Work that a cancellation does not tear."""

import asyncio

import pytest

from application.unbroken import unbroken


async def test_the_result_comes_back() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert await unbroken(work()) == 7


async def test_a_failure_comes_back() -> None:
    async def work() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await unbroken(work())


async def test_many_cancellations_neither_stop_the_work_nor_get_lost() -> None:
    steps: list[str] = []

    async def work() -> None:
        steps.append("begun")
        await asyncio.sleep(0.03)
        steps.append("done")

    async with asyncio.TaskGroup() as group:
        task = group.create_task(unbroken(work()))
        for _ in range(3):
            await asyncio.sleep(0.005)
            task.cancel()
    assert steps == ["begun", "done"]
    assert task.cancelled()


async def test_a_failure_outranks_the_cancellation() -> None:
    async def work() -> None:
        await asyncio.sleep(0.02)
        raise KeyError("x")

    async def cancelled() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        await unbroken(work())

    (outcome,) = await asyncio.gather(cancelled(), return_exceptions=True)
    assert isinstance(outcome, KeyError)
