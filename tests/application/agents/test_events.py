"""Events straight from where they happen to who consumes them."""

import asyncio
from contextlib import aclosing

import pytest

from application.agents.events import Emit, events_of, kept
from domain.runs.event import EventKind, RunCompleted, TokenBatch
from domain.runs.journal import Mark, MarkKind
from domain.runs.run import TerminationReason

END = RunCompleted(reason=TerminationReason.COMPLETE)


def _token(n: int) -> TokenBatch:
    return TokenBatch(text=str(n))


async def test_what_is_emitted_comes_in_order_and_the_result_last() -> None:
    async def work(emit: Emit) -> EventKind:
        for n in range(3):
            emit(_token(n))
            await asyncio.sleep(0)
        return END

    assert [k async for k in events_of(work)] == [_token(0), _token(1), _token(2), END]


async def test_work_that_says_nothing_still_ends() -> None:
    async def work(emit: Emit) -> EventKind:
        return END

    assert [k async for k in events_of(work)] == [END]


async def test_what_was_emitted_before_a_failure_comes_before_it() -> None:
    async def work(emit: Emit) -> EventKind:
        emit(_token(1))
        raise KeyError("x")

    heard: list[EventKind | Mark] = []

    async def listen() -> None:
        async for kind in events_of(work):
            heard.append(kind)

    with pytest.raises(KeyError):
        await listen()
    assert heard == [_token(1)]


async def test_closing_cancels_the_work_and_waits_for_it() -> None:
    state: list[str] = []

    async def work(emit: Emit) -> EventKind:
        try:
            emit(_token(1))
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            state.append("cleaned")
        return END

    async with aclosing(events_of(work)) as events:
        assert await anext(events) == _token(1)
    assert state == ["cleaned"]


async def test_a_generator_that_nobody_consumes_starts_nothing() -> None:
    begun: list[str] = []

    async def work(emit: Emit) -> EventKind:
        begun.append("x")
        return END

    await events_of(work).aclose()
    await asyncio.sleep(0)
    assert begun == []


async def test_work_waits_until_its_urgent_mark_was_taken_in() -> None:
    mark, order = Mark(kind=MarkKind.TOOL, key="1", payload=b"", urgent=True), list[str]()

    async def work(emit: Emit) -> EventKind:
        await kept(emit, mark)
        order.append("went on")
        return END

    async with aclosing(events_of(work)) as said:
        async for item in said:
            if item == mark:
                await asyncio.sleep(0.01)
                order.append("kept")
    assert order == ["kept", "went on"]


async def test_what_is_said_in_one_go_is_heard_in_one_go() -> None:
    async def work(emit: Emit) -> EventKind:
        for n in range(3):
            emit(_token(n))
        return END

    turns, heard = 0, list[int]()

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    async for _ in events_of(work):
        heard.append(turns)
    counting.cancel()
    assert len(set(heard[:3])) == 1
