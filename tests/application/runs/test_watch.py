"""WatchRun: each event exactly once and in order, whatever becomes of the announcements."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.local.fan_out import InProcessFanOut
from application.context import SpaceHeaderMissing
from application.ports.fan_out import Subscription
from domain.errors import InvalidInput
from domain.identifiers import RunId, SpaceId
from domain.runs.event import EventKind, RunCompleted, RunEvent, StageTimed
from domain.runs.run import CursorBeyondEnd, Run, RunNotFound, TerminationReason
from domain.tenancy.access import Role
from fixtures.house import House, context_of, new_house
from fixtures.making import new_home
from fixtures.stores import memory_stores

COMPLETE = RunCompleted(reason=TerminationReason.COMPLETE)


def _stage(n: int) -> EventKind:
    return StageTimed(stage=str(n), seconds=n)


async def _append(house: House, run: Run, *kinds: EventKind) -> tuple[RunEvent, ...]:
    fence = (await house.stores.runs.get(run.space_id, run.run_id)).fence
    return await house.stores.log.append(run.space_id, run.run_id, fence, kinds)


async def _running(house: House, events: int = 0, *, ended: bool = False) -> Run:
    run = await house.queued()
    await house.stores.runs.claim(run.space_id, run.run_id)
    for n in range(events):
        await _append(house, run, _stage(n))
    if ended:
        await _append(house, run, COMPLETE)
    return run


async def _watched(house: House, run: Run, after: int = 0) -> list[RunEvent]:
    async with asyncio.timeout(5):
        return [event async for event in house.watched(run, after, role=Role.VIEWER)]


async def test_a_replay_from_every_cursor_is_the_rest_of_the_log(house: House) -> None:
    run = await _running(house, 4, ended=True)
    whole = list(await house.events(run))
    for after in range(len(whole) + 1):
        assert await _watched(house, run, after) == whole[after:]


@pytest.mark.parametrize("events", [498, 499, 500, 999, 1200])
async def test_a_long_log_is_read_page_by_page(house: House, events: int) -> None:
    run = await _running(house, events - 2, ended=True)
    whole = list(await house.events(run))
    assert len(whole) == events
    assert await _watched(house, run) == whole


async def test_a_watcher_follows_what_is_still_to_come(house: House) -> None:
    run = await _running(house, 2)
    seen: list[int] = []

    async def watch() -> None:
        seen.extend(event.sequence for event in await _watched(house, run, 1))

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        for n in range(5):
            await asyncio.sleep(0.002)
            events = await _append(house, run, _stage(n), _stage(n))
            await house.fan_out.publish(run.space_id, run.run_id, events)
        last = await _append(house, run, COMPLETE)
        await house.fan_out.publish(run.space_id, run.run_id, last)
    assert seen == list(range(2, last[0].sequence + 1))


async def test_a_run_that_ends_between_reading_and_listening_ends_for_the_watcher(
    house: House,
) -> None:
    run = await _running(house, 1)
    async with aclosing(house.watched(run)) as events, asyncio.timeout(5):
        first = await anext(events)
        announced = await _append(house, run, COMPLETE)
        await house.fan_out.publish(run.space_id, run.run_id, announced)
        rest = [event.sequence async for event in events]
    assert [first.sequence, *rest] == [1, 2, 3]


@pytest.mark.parametrize(("after", "error"), [(4, CursorBeyondEnd), (-1, InvalidInput)])
async def test_a_cursor_that_is_none_is_refused(
    house: House, after: int, error: type[InvalidInput]
) -> None:
    run = await _running(house, 1, ended=True)
    with pytest.raises(error) as refusal:
        await _watched(house, run, after)
    assert refusal.value.field == "after_sequence"


async def test_a_cursor_beyond_the_end_is_told_where_the_end_is(house: House) -> None:
    run = await _running(house, 1)
    with pytest.raises(CursorBeyondEnd) as refusal:
        await _watched(house, run, 99)
    assert refusal.value.metadata == {"last_sequence": "2"}


async def test_a_run_that_is_not_in_the_space_is_not_found(house: House) -> None:
    run = await _running(house)
    elsewhere = context_of(await new_home(house.stores.tenancy))
    for run_id in (run.run_id, RunId(house.entropy.uuid())):
        with pytest.raises(RunNotFound):
            await anext(house.watch()(elsewhere, run_id=run_id, after=0))


async def test_a_request_without_a_space_is_refused(house: House) -> None:
    run = await _running(house)
    with pytest.raises(SpaceHeaderMissing):
        await anext(house.watch()(context_of(house.home, None), run_id=run.run_id, after=0))


class _CountingFanOut:
    """`listening` is how many subscriptions are open."""

    def __init__(self) -> None:
        self._inner = InProcessFanOut()
        self.listening = 0

    async def publish(self, space: SpaceId, run: RunId, events: Sequence[RunEvent]) -> None:
        await self._inner.publish(space, run, events)

    @asynccontextmanager
    async def subscribe(self, space: SpaceId, run: RunId) -> AsyncGenerator[Subscription]:
        self.listening += 1
        try:
            async with self._inner.subscribe(space, run) as subscription:
                yield subscription
        finally:
            self.listening -= 1


async def test_a_watcher_that_leaves_is_forgotten(house: House) -> None:
    run, fan_out = await _running(house, 3), _CountingFanOut()
    watch = replace(house, fan_out=fan_out).watch()
    async with aclosing(watch(context_of(house.home), run_id=run.run_id, after=0)) as events:
        await anext(events)
        assert fan_out.listening == 1
    assert fan_out.listening == 0


class _LossySubscription:
    """Loses, repeats and reorders what is announced; stops waiting early."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._events: deque[RunEvent] = deque(maxlen=16)

    def announce(self, events: Sequence[RunEvent]) -> None:
        for event in events:
            for _ in range(self._random.choice([0, 1, 1, 1, 2])):
                self._events.append(event)
        if self._random.random() < 0.3:
            self._random.shuffle(self._events)

    async def next(self, timeout: float) -> tuple[RunEvent, ...]:
        await asyncio.sleep(0)
        taken = self._random.randint(0, len(self._events))
        return tuple(self._events.popleft() for _ in range(taken))


class _LossyFanOut:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._ears: list[_LossySubscription] = []

    async def publish(self, space: SpaceId, run: RunId, events: Sequence[RunEvent]) -> None:
        for ear in self._ears:
            ear.announce(events)

    @asynccontextmanager
    async def subscribe(self, space: SpaceId, run: RunId) -> AsyncGenerator[_LossySubscription]:
        ear = _LossySubscription(self._random)
        self._ears.append(ear)
        yield ear


async def _watch_a_lossy_run(seed: int, batches: list[int], after: int) -> None:
    stores = memory_stores()
    house = new_house(stores, await new_home(stores.tenancy))
    random = Random(seed)
    house = replace(house, fan_out=_LossyFanOut(random))
    run = await _running(house, after)
    seen: list[RunEvent] = []

    async def watch() -> None:
        seen.extend(await _watched(house, run, after))

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        for n, size in enumerate(batches):
            for _ in range(random.randint(0, 4)):
                await asyncio.sleep(0)
            last = (COMPLETE,) if n == len(batches) - 1 else ()
            events = await _append(house, run, *(_stage(n) for _ in range(size)), *last)
            await house.fan_out.publish(run.space_id, run.run_id, events)
    assert seen == list(await house.events(run))[after:]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    batches=st.lists(st.integers(0, 6), min_size=1, max_size=12).map(lambda b: [*b[:-1], 1]),
    after=st.integers(0, 5),
)
def test_lost_repeated_and_reordered_announcements_change_nothing(
    seed: int, batches: list[int], after: int
) -> None:
    with asyncio.Runner() as runner:
        runner.run(_watch_a_lossy_run(seed, batches, after))


async def test_without_any_announcement_the_log_alone_is_enough(house: House) -> None:
    class Mute(_LossyFanOut):
        async def publish(self, space: SpaceId, run: RunId, events: Sequence[RunEvent]) -> None:
            return None

    silent = replace(house, fan_out=Mute(Random(1)))
    run = await _running(silent, 1)
    async with asyncio.timeout(10):
        seen = []
        async for event in silent.watched(run):
            seen.append(event.sequence)
            if event.sequence < 6:
                await _append(silent, run, _stage(0) if event.sequence < 5 else COMPLETE)
    assert seen == [1, 2, 3, 4, 5, 6, 7]
