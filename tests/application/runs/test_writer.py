"""The one writer of a run's log."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from adapters.local.clock import SystemClock
from application.ports.event_log import EventLog
from application.runs.writer import RunWriter
from domain.errors import Unavailable
from domain.identifiers import RunId, SpaceId
from domain.runs.batching import SHORTEST_SECONDS
from domain.runs.event import (
    EventKind,
    RunCompleted,
    RunEvent,
    RunStarted,
    StageTimed,
    TokenBatch,
)
from domain.runs.journal import Mark, MarkKind
from domain.runs.run import FenceLost, Run, TerminationReason
from fixtures.house import House, text_of

STARTED = RunStarted(chat_model="m", attempt=1)


class SlowLog:
    """A log whose commits take a while; `batches` are those that were committed."""

    def __init__(self, log: EventLog, seconds: float = 0.0) -> None:
        self._log = log
        self._seconds = seconds
        self.batches: list[tuple[EventKind, ...]] = []

    async def append(
        self,
        space: SpaceId,
        run: RunId,
        fence: int,
        kinds: Sequence[EventKind],
        marks: Sequence[Mark] = (),
    ) -> tuple[RunEvent, ...]:
        await asyncio.sleep(self._seconds)
        events = await self._log.append(space, run, fence, kinds, marks)
        self.batches.append(tuple(kinds))
        return events

    async def read(
        self, space: SpaceId, run: RunId, after: int, limit: int
    ) -> tuple[RunEvent, ...]:
        return await self._log.read(space, run, after, limit)


async def _claimed(house: House) -> Run:
    run = await house.queued()
    return await house.stores.runs.claim(run.space_id, run.run_id)


def _writer(house: House, run: Run, log: EventLog) -> RunWriter:
    return RunWriter(run, log=log, fan_out=house.fan_out, clock=SystemClock())


@asynccontextmanager
async def _draining(writer: RunWriter) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        group.create_task(writer.drain())
        yield
        writer.close()


def _token(text: str) -> TokenBatch:
    return TokenBatch(text=text)


async def test_the_first_token_does_not_wait_for_a_batch(house: House) -> None:
    run, log = await _claimed(house), SlowLog(house.stores.log)
    writer = _writer(house, run, log)
    async with _draining(writer):
        writer.put(STARTED)
        await asyncio.sleep(0.002)
        writer.put(_token("first"))
        await asyncio.sleep(SHORTEST_SECONDS / 4)
        assert log.batches == [(STARTED,), (_token("first"),)]


async def test_later_tokens_are_merged_into_batches_that_wait_25_ms_at_most(house: House) -> None:
    run, log = await _claimed(house), SlowLog(house.stores.log)
    writer = _writer(house, run, log)
    async with _draining(writer):
        writer.put(_token("first"))
        await asyncio.sleep(0.005)
        for n in range(5):
            writer.put(_token(f" {n}"))
        await asyncio.sleep(0.005)
        assert len(log.batches) == 1
        await asyncio.sleep(SHORTEST_SECONDS * 2)
        assert log.batches == [(_token("first"),), (_token(" 0 1 2 3 4"),)]


async def test_the_order_is_kept_and_tokens_never_jump_over_other_events(house: House) -> None:
    run = await _claimed(house)
    timed = StageTimed(stage="x", seconds=1.0)
    writer = _writer(house, run, house.stores.log)
    for kind in (_token("a"), _token("b"), timed, _token("c"), STARTED, _token("d")):
        writer.put(kind)
    writer.close()
    await writer.drain()
    assert (await house.kinds(run))[1:] == [_token("ab"), timed, _token("c"), STARTED, _token("d")]


@pytest.mark.parametrize("commit_seconds", [0.0, 0.004])
async def test_closing_writes_what_is_left(house: House, commit_seconds: float) -> None:
    run, log = await _claimed(house), SlowLog(house.stores.log, commit_seconds)
    writer = _writer(house, run, log)
    async with _draining(writer):
        for n in range(40):
            writer.put(_token(f"{n} "))
            await asyncio.sleep(0.001)
    assert text_of(await house.kinds(run)) == "".join(f"{n} " for n in range(40))
    assert len(log.batches) < 20


async def test_closing_without_events_ends_at_once(house: House) -> None:
    writer = _writer(house, await _claimed(house), house.stores.log)
    writer.close()
    async with asyncio.timeout(10):
        await writer.drain()


async def test_committed_events_are_announced(house: House) -> None:
    run = await _claimed(house)
    writer = _writer(house, run, house.stores.log)
    async with house.fan_out.subscribe(run.space_id, run.run_id) as subscription:
        writer.put(STARTED)
        await writer.flush()
        announced = await subscription.next(1)
    assert announced == (await house.events(run))[1:]


async def test_a_writer_that_was_replaced_writes_nothing_more(house: House) -> None:
    run = await _claimed(house)
    await house.stores.runs.claim(run.space_id, run.run_id)
    writer = _writer(house, run, house.stores.log)
    writer.put(STARTED)
    with pytest.raises(FenceLost):
        await writer.drain()
    assert len(await house.events(run)) == 1


async def test_a_cancelled_drain_loses_no_batch_that_it_was_writing(house: House) -> None:
    run, log = await _claimed(house), SlowLog(house.stores.log, 0.03)
    writer = _writer(house, run, log)
    writer.put(_token("kept"))
    async with (
        house.fan_out.subscribe(run.space_id, run.run_id) as subscription,
        asyncio.TaskGroup() as group,
    ):
        draining = group.create_task(writer.drain())
        await asyncio.sleep(0.01)
        draining.cancel()
        assert await subscription.next(1) == (await house.events(run))[1:]
    assert text_of(await house.kinds(run)) == "kept"


async def test_a_cancellation_in_the_very_moment_of_the_first_token_is_heard(house: House) -> None:
    run = await _claimed(house)
    writer = _writer(house, run, house.stores.log)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        draining = group.create_task(writer.drain())
        for _ in range(2):  # the second one is held, to gather a batch
            writer.put(STARTED)
            await asyncio.sleep(0.005)
        writer.put(_token("first"))  # wakes the drain ...
        draining.cancel()  # ... and it is cancelled before it runs
    assert draining.cancelled()


class DoubtfulLog(SlowLog):
    """A log that fails now and then, before or after it has committed; it never says which."""

    def __init__(self, log: EventLog, outcomes: str) -> None:
        super().__init__(log)
        self._outcomes = list(outcomes)

    async def append(
        self,
        space: SpaceId,
        run: RunId,
        fence: int,
        kinds: Sequence[EventKind],
        marks: Sequence[Mark] = (),
    ) -> tuple[RunEvent, ...]:
        outcome = self._outcomes.pop(0) if self._outcomes else "."
        if outcome == "<":
            raise Unavailable("gone before the commit")
        events = await super().append(space, run, fence, kinds, marks)
        if outcome == ">":
            raise Unavailable("gone after the commit")
        return events


@pytest.mark.parametrize("outcomes", ["<", ">", "<<", "<>", ">.>", "<.>.<>"])
async def test_an_append_that_may_or_may_not_have_been_committed_loses_and_repeats_nothing(
    house: House, outcomes: str
) -> None:
    run = await _claimed(house)
    writer = _writer(house, run, DoubtfulLog(house.stores.log, outcomes))
    said: list[EventKind] = [
        _token("a"),
        STARTED,
        _token("b"),
        RunCompleted(reason=TerminationReason.COMPLETE),
    ]
    for kind in said:
        writer.put(kind)
        with suppress(Unavailable):
            await writer.flush()
    for _ in outcomes:
        with suppress(Unavailable):
            await writer.flush()
    assert (await house.kinds(run))[1:] == said


async def test_a_writer_in_doubt_does_not_take_its_successors_events_for_its_own(
    house: House,
) -> None:
    run = await _claimed(house)
    writer = _writer(house, run, DoubtfulLog(house.stores.log, "<"))
    writer.put(_token("never kept"))
    # What such a mark allows, the successor may be about to do as well.
    writer.put(Mark(kind=MarkKind.TOOL, key="0.publish", payload=b"{}", urgent=True))
    with pytest.raises(Unavailable):
        await writer.flush()
    successor = await house.stores.runs.claim(run.space_id, run.run_id)
    await house.stores.log.append(run.space_id, run.run_id, successor.fence, [STARTED])
    with pytest.raises(FenceLost):
        await writer.flush()
    assert (await house.kinds(run))[1:] == [STARTED]


async def test_a_log_that_is_away_for_a_moment_does_not_end_the_draining(house: House) -> None:
    run = await _claimed(house)
    writer = _writer(house, run, DoubtfulLog(house.stores.log, "<>"))
    said: list[EventKind] = [_token("a"), RunCompleted(reason=TerminationReason.COMPLETE)]
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(writer.drain())
        for kind in said:
            writer.put(kind)
            await asyncio.sleep(0.01)
        writer.close()
    assert (await house.kinds(run))[1:] == said


async def test_a_run_ends_once(house: House) -> None:
    run = await _claimed(house)
    writer = _writer(house, run, house.stores.log)
    for reason in (TerminationReason.COMPLETE, TerminationReason.CANCELLED):
        writer.put(RunCompleted(reason=reason))
    writer.put(_token("late"))
    await writer.flush()
    assert (await house.kinds(run))[1:] == [RunCompleted(reason=TerminationReason.COMPLETE)]
