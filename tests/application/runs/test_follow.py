"""What watchers of one run share: one follower, one poll, one bounded tail, and their places."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.local.fan_out import InProcessFanOut
from application.ports.event_log import EventLog
from application.ports.run_store import RunStore
from application.runs.subscription import BoundedSubscription
from application.runs.tail import KEPT_EVENTS
from application.runs.watch import Heartbeat, WatchRun
from application.runs.watchers import TooManyWatchers, WatcherLimits
from domain.errors import InvalidInput, Unavailable
from domain.identifiers import RunId, SpaceId
from domain.runs.event import EventKind, RunCompleted, RunEvent, RunPaused, StageTimed
from domain.runs.run import CursorBeyondEnd, Run, RunNotFound, RunState, TerminationReason
from fixtures.house import House, context_of, new_house
from fixtures.making import new_home
from fixtures.stores import memory_stores

COMPLETE = RunCompleted(reason=TerminationReason.COMPLETE)
POLL = 0.02
SOON = 30.0


class Asked:
    """Counts what is read of runs and of their log, which can be away, or gone."""

    def __init__(self, runs: RunStore, log: EventLog, patch: pytest.MonkeyPatch) -> None:
        self._get, self._read = runs.get, log.read
        self.gets, self.away, self.gone = 0, False, False
        self.cursors: list[int] = []
        patch.setattr(runs, "get", self.get)
        patch.setattr(log, "read", self.read)

    @property
    def reads(self) -> int:
        return len(self.cursors)

    async def get(self, space: SpaceId, run: RunId) -> Run:
        self.gets += 1
        if self.gone:
            raise RunNotFound
        if self.away:
            raise Unavailable("away")
        return await self._get(space, run)

    async def read(
        self, space: SpaceId, run: RunId, after: int, limit: int
    ) -> tuple[RunEvent, ...]:
        self.cursors.append(after)
        if self.away:
            raise Unavailable("away")
        return await self._read(space, run, after, limit)


class Mute(InProcessFanOut):
    """Loses every announcement."""

    async def publish(self, space: SpaceId, run: RunId, events: Sequence[RunEvent]) -> None:
        return None


@pytest.fixture
def asked(house: House, monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(house.stores.runs, house.stores.log, monkeypatch)


def _stage(n: int) -> EventKind:
    return StageTimed(stage=str(n), seconds=n)


async def _append(house: House, run: Run, *kinds: EventKind) -> tuple[RunEvent, ...]:
    events = await house.stores.log.append(run.space_id, run.run_id, run.fence, kinds)
    await house.fan_out.publish(run.space_id, run.run_id, events)
    return events


def _watch(
    house: House,
    *,
    limits: WatcherLimits | None = None,
    heartbeat_seconds: float = 30.0,
    poll_seconds: float = POLL,
) -> WatchRun:
    return WatchRun(
        runs=house.stores.runs,
        log=house.stores.log,
        fan_out=house.fan_out,
        clock=house.clock,
        limits=limits,
        heartbeat_seconds=heartbeat_seconds,
        poll_seconds=poll_seconds,
    )


async def _sequences(watch: WatchRun, house: House, run: Run, after: int = 0) -> list[int]:
    """Those of every event to the run's end."""
    told = watch(context_of(house.home), run_id=run.run_id, after=after)
    async with asyncio.timeout(SOON), aclosing(told) as events:
        return [event.sequence async for event in events if isinstance(event, RunEvent)]


async def _until_watched(watch: WatchRun, count: int) -> None:
    async with asyncio.timeout(SOON):
        while True:
            await asyncio.sleep(0.01)
            if watch.watchers.count == count:
                return


async def test_without_announcements_a_run_is_polled_once_for_all_its_watchers(
    house: House, asked: Asked
) -> None:
    house = replace(house, fan_out=Mute())
    watch, run = _watch(house, poll_seconds=0.05), await house.claimed()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_sequences(watch, house, run)) for _ in range(200)]
        await _until_watched(watch, 200)
        before, begun = asked.gets + asked.reads, asyncio.get_running_loop().time()
        await asyncio.sleep(0.5)
        polls = (asyncio.get_running_loop().time() - begun) / 0.05
        assert 0 < asked.gets + asked.reads - before <= polls + 2
        await _append(house, run, _stage(1), COMPLETE)
    assert [task.result() for task in tasks] == [[1, 2, 3]] * 200


async def test_those_who_come_at_once_share_one_read(house: House, asked: Asked) -> None:
    watch, run = _watch(house, poll_seconds=5), await house.claimed()
    for n in range(KEPT_EVENTS - 1):
        await _append(house, run, _stage(n))
    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(_sequences(watch, house, run))
        await _until_watched(watch, 50)
        await _append(house, run, COMPLETE)
    assert asked.reads <= 3


async def test_a_silent_run_is_polled_less_and_less(house: House, asked: Asked) -> None:
    house = replace(house, fan_out=Mute())
    watch, run = _watch(house), await house.claimed()
    async with asyncio.TaskGroup() as group:
        group.create_task(_sequences(watch, house, run))
        await asyncio.sleep(1.0)
        assert asked.gets < 0.7 / POLL, "at POLL it would be 50"
        assert asked.gets > 1.0 / (6 * POLL)
        await _append(house, run, COMPLETE)


async def test_nobody_follows_a_run_that_nobody_watches(house: House, asked: Asked) -> None:
    watch, run = _watch(house), await house.claimed()
    events = watch(context_of(house.home), run_id=run.run_id, after=0)
    await anext(events)
    await events.aclose()
    before = asked.gets, asked.reads
    await asyncio.sleep(5 * POLL)
    assert (asked.gets, asked.reads) == before
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "follow-run"]
    assert watch.watchers.count == 0


async def test_one_watcher_leaving_ends_nothing_for_the_others(house: House) -> None:
    watch, run = _watch(house), await house.claimed()
    leaving = watch(context_of(house.home), run_id=run.run_id, after=0)
    async with asyncio.TaskGroup() as group:
        staying = group.create_task(_sequences(watch, house, run))
        await anext(leaving)
        await leaving.aclose()
        await _append(house, run, _stage(1), COMPLETE)
    assert staying.result() == [1, 2, 3]


async def test_a_slow_watcher_falls_back_to_the_log_and_holds_up_nobody(
    house: House, asked: Asked
) -> None:
    watch, run = _watch(house), await house.claimed()
    slow = watch(context_of(house.home), run_id=run.run_id, after=0)
    seen = [await anext(slow)]
    async with asyncio.TaskGroup() as group:
        quick = group.create_task(_sequences(watch, house, run))
        for n in range(3 * KEPT_EVENTS):
            await _append(house, run, _stage(n))
            await asyncio.sleep(0)
        last = await _append(house, run, COMPLETE)
    assert quick.result() == list(range(1, last[0].sequence + 1))
    before = asked.reads
    seen += [event async for event in slow]
    assert seen == list(await house.events(run))
    assert asked.reads - before >= 3, "page by page"


async def test_a_store_that_is_away_for_a_while_costs_nothing_but_time(
    house: House, asked: Asked
) -> None:
    house = replace(house, fan_out=Mute())
    watch, run = _watch(house), await house.claimed()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_sequences(watch, house, run))
        await _until_watched(watch, 1)
        asked.away = True
        await asyncio.sleep(5 * POLL)
        await _append(house, run, _stage(1), COMPLETE)
        asked.away = False
    assert watching.result() == [1, 2, 3]


async def test_a_run_that_is_deleted_ends_its_watches(house: House, asked: Asked) -> None:
    watch, run = _watch(house), await house.claimed()
    told = watch(context_of(house.home), run_id=run.run_id, after=0)
    await anext(told)
    asked.gone = True
    async with asyncio.timeout(SOON):
        with pytest.raises(RunNotFound):
            await anext(told)


async def test_a_run_that_was_just_accepted_is_watched_without_reading_its_log(
    house: House, asked: Asked
) -> None:
    run = await house.queued()
    async with asyncio.timeout(SOON), aclosing(_watch(house).of(run)) as told:
        first = await anext(told)
    assert asked.reads == 0
    assert [first] == list(await house.events(run))


async def test_what_breaks_a_follower_ends_its_watches_and_the_next_one_begins_anew(
    house: House,
) -> None:
    class Broken(InProcessFanOut):
        @asynccontextmanager
        async def subscribe(
            self, space: SpaceId, run: RunId
        ) -> AsyncGenerator[BoundedSubscription]:
            raise RuntimeError("unforeseen")
            yield BoundedSubscription()

    run = await house.claimed()
    for _ in range(2):
        told = _watch(replace(house, fan_out=Broken()))(
            context_of(house.home), run_id=run.run_id, after=0
        )
        async with asyncio.timeout(SOON):
            with pytest.raises(Unavailable) as refusal:
                [event async for event in told]
        assert refusal.value.reason == "RUN_CANNOT_BE_FOLLOWED"


async def test_silence_is_filled_by_heartbeats_that_are_not_kept(house: House) -> None:
    watch, run = _watch(house, heartbeat_seconds=0.02), await house.claimed()
    told = watch(context_of(house.home), run_id=run.run_id, after=0)
    async with asyncio.timeout(SOON), aclosing(told):
        first = await anext(told)
        beats = [await anext(told) for _ in range(3)]
        await _append(house, run, _stage(1), COMPLETE)
        rest = [event async for event in told if isinstance(event, RunEvent)]
    assert beats == [Heartbeat(time=house.clock.now())] * 3
    assert [first, *rest] == list(await house.events(run))


async def test_a_run_that_goes_on_has_no_heartbeats(house: House) -> None:
    watch, run = _watch(house, heartbeat_seconds=0.5), await house.claimed()
    told = watch(context_of(house.home), run_id=run.run_id, after=0)

    async def write() -> None:
        for n in range(30):
            await asyncio.sleep(0.03)
            await _append(house, run, _stage(n))
        await _append(house, run, COMPLETE)

    async with asyncio.timeout(SOON), asyncio.TaskGroup() as group:
        group.create_task(write())
        heard = [event async for event in told]
    assert not [event for event in heard if isinstance(event, Heartbeat)]


async def test_a_paused_run_keeps_its_watches_open(house: House) -> None:
    watch, run = _watch(house, heartbeat_seconds=0.02), await house.claimed()
    paused = await _append(house, run, RunPaused(pause_id="p1", prompt="Shall it go out?"))
    assert (await house.stores.runs.get(run.space_id, run.run_id)).state is RunState.PAUSED
    for after in (0, paused[-1].sequence):
        told = watch(context_of(house.home), run_id=run.run_id, after=after)
        async with asyncio.timeout(SOON), aclosing(told):
            heard = [await anext(told) for _ in range(paused[-1].sequence - after + 2)]
        assert heard[-2:] == [Heartbeat(time=house.clock.now())] * 2


@pytest.mark.parametrize(
    ("limits", "of"),
    [(WatcherLimits(a_process=2), "process"), (WatcherLimits(a_space=2), "space")],
)
async def test_there_are_so_many_places_and_who_leaves_frees_one(
    house: House, limits: WatcherLimits, of: str
) -> None:
    watch, run = _watch(house, limits=limits), await house.claimed()
    watches = [watch(context_of(house.home), run_id=run.run_id, after=0) for _ in range(3)]
    for told in watches[:2]:
        await anext(told)
    with pytest.raises(TooManyWatchers) as refusal:
        await anext(watches[2])
    assert refusal.value.metadata["limit"] == "2"
    assert refusal.value.metadata["limit_of"] == of
    await watches[0].aclose()
    again = watch(context_of(house.home), run_id=run.run_id, after=0)
    await anext(again)
    for told in (again, watches[1]):
        await told.aclose()
    assert watch.watchers.count == 0


async def test_one_spaces_watchers_take_no_place_of_anothers(house: House) -> None:
    watch = _watch(house, limits=WatcherLimits(a_space=1, a_process=2))
    elsewhere = replace(house, home=await new_home(house.stores.tenancy))
    here, there = await house.claimed(), await elsewhere.claimed()
    mine = watch(context_of(house.home), run_id=here.run_id, after=0)
    theirs = watch(context_of(elsewhere.home), run_id=there.run_id, after=0)
    assert [(await anext(told)) for told in (mine, theirs)]
    await mine.aclose()
    await theirs.aclose()


@pytest.mark.parametrize("how", ["refused", "ended", "cancelled"])
async def test_a_place_is_freed_however_a_watch_ends(house: House, how: str) -> None:
    watch, run = _watch(house), await house.claimed()
    if how == "refused":
        with pytest.raises(CursorBeyondEnd):
            await _sequences(watch, house, run, after=99)
    elif how == "ended":
        await _append(house, run, COMPLETE)
        assert await _sequences(watch, house, run) == [1, 2]
    else:
        watching = asyncio.ensure_future(_sequences(watch, house, run))
        await _until_watched(watch, 1)
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
    assert watch.watchers.count == 0


def test_at_least_one_watcher_has_to_be_let_in() -> None:
    with pytest.raises(InvalidInput):
        WatcherLimits(a_process=0)


@dataclass(eq=False)
class HostileFanOut(InProcessFanOut):
    """Drops, repeats, delays and mixes up what is announced, differently in each batch."""

    random: Random
    held: list[RunEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def publish(self, space: SpaceId, run: RunId, events: Sequence[RunEvent]) -> None:
        arriving = [*events] if self.random.random() < 0.7 else []
        for event in events:
            if self.random.random() < 0.3:
                self.held.append(event)
        while self.held and self.random.random() < 0.4:
            arriving.append(self.held.pop(self.random.randrange(len(self.held))))
        if self.random.random() < 0.3:
            self.random.shuffle(arriving)
        kept = [event for event in arriving if self.random.random() < 0.8]
        await super().publish(space, run, kept)


async def _watch_through_hostility(seed: int, batches: list[int], watchers: int) -> None:
    random, stores = Random(seed), memory_stores()
    house = new_house(stores, await new_home(stores.tenancy))
    house = replace(house, fan_out=HostileFanOut(random))
    watch, run = _watch(house, poll_seconds=0.005), await house.claimed()
    begun = [0] * watchers

    async def one(place: int) -> list[RunEvent]:
        for _ in range(random.randint(0, 30)):
            await asyncio.sleep(0)
        begun[place] = random.randint(0, (await stores.runs.get(*key)).last_sequence)
        told = watch(context_of(house.home), run_id=run.run_id, after=begun[place])
        seen = []
        async for event in told:
            if isinstance(event, RunEvent):
                seen.append(event)
            for _ in range(random.choice([0, 0, 0, 1, 9])):
                await asyncio.sleep(0)
        return seen

    key = run.space_id, run.run_id
    async with asyncio.timeout(SOON), asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(place)) for place in range(watchers)]
        for size in batches:
            for _ in range(random.randint(0, 6)):
                await asyncio.sleep(0)
            await _append(house, run, *(_stage(n) for n in range(size)))
        await _append(house, run, COMPLETE)
    whole = list(await house.events(run))
    for place, task in enumerate(tasks):
        assert task.result() == whole[begun[place] :]
    assert watch.watchers.count == 0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    batches=st.lists(st.integers(1, 90), max_size=14),
    watchers=st.integers(1, 8),
)
def test_every_watcher_gets_each_event_once_whatever_becomes_of_the_announcements(
    seed: int, batches: list[int], watchers: int
) -> None:
    with asyncio.Runner() as runner:
        runner.run(_watch_through_hostility(seed, batches, watchers))
