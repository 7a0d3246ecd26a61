"""What watchers of one run share: one follower, one poll, one bounded tail."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import pytest

from adapters.local.fan_out import InProcessFanOut
from application.runs.subscription import BoundedSubscription
from application.runs.tail import KEPT_EVENTS
from domain.errors import Unavailable
from domain.identifiers import RunId, SpaceId
from domain.runs.event import RunEvent
from domain.runs.run import RunNotFound
from fixtures.following import (
    COMPLETE,
    POLL,
    SOON,
    Asked,
    a_watch,
    append,
    sequences,
    stage,
    until_watched,
)
from fixtures.house import House, context_of


class Mute(InProcessFanOut):
    """Loses every announcement."""

    async def publish(self, space: SpaceId, run: RunId, events: Sequence[RunEvent]) -> None:
        return None


@pytest.fixture
def asked(house: House, monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(house.stores.runs, house.stores.log, monkeypatch)


async def test_without_announcements_a_run_is_polled_once_for_all_its_watchers(
    house: House, asked: Asked
) -> None:
    house = replace(house, fan_out=Mute())
    watch, run = a_watch(house, poll_seconds=0.05), await house.claimed()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sequences(watch, house, run)) for _ in range(200)]
        await until_watched(watch, 200)
        before, begun = asked.gets + asked.reads, asyncio.get_running_loop().time()
        await asyncio.sleep(0.5)
        polls = (asyncio.get_running_loop().time() - begun) / 0.05
        assert 0 < asked.gets + asked.reads - before <= polls + 2
        await append(house, run, stage(1), COMPLETE)
    assert [task.result() for task in tasks] == [[1, 2, 3]] * 200


async def test_those_who_come_at_once_share_one_read(house: House, asked: Asked) -> None:
    watch, run = a_watch(house, poll_seconds=5), await house.claimed()
    for n in range(KEPT_EVENTS - 1):
        await append(house, run, stage(n))
    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(sequences(watch, house, run))
        await until_watched(watch, 50)
        await append(house, run, COMPLETE)
    assert asked.reads <= 3


async def test_a_silent_run_is_polled_less_and_less(house: House, asked: Asked) -> None:
    house = replace(house, fan_out=Mute())
    watch, run = a_watch(house), await house.claimed()
    async with asyncio.TaskGroup() as group:
        group.create_task(sequences(watch, house, run))
        await asyncio.sleep(1.0)
        assert asked.gets < 0.7 / POLL, "at POLL it would be 50"
        assert asked.gets > 1.0 / (6 * POLL)
        await append(house, run, COMPLETE)


async def test_nobody_follows_a_run_that_nobody_watches(house: House, asked: Asked) -> None:
    watch, run = a_watch(house), await house.claimed()
    events = watch(context_of(house.home), run_id=run.run_id, after=0)
    await anext(events)
    await events.aclose()
    before = asked.gets, asked.reads
    await asyncio.sleep(5 * POLL)
    assert (asked.gets, asked.reads) == before
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "follow-run"]
    assert watch.watchers.count == 0


async def test_one_watcher_leaving_ends_nothing_for_the_others(house: House) -> None:
    watch, run = a_watch(house), await house.claimed()
    leaving = watch(context_of(house.home), run_id=run.run_id, after=0)
    async with asyncio.TaskGroup() as group:
        staying = group.create_task(sequences(watch, house, run))
        await anext(leaving)
        await leaving.aclose()
        await append(house, run, stage(1), COMPLETE)
    assert staying.result() == [1, 2, 3]


async def test_a_slow_watcher_falls_back_to_the_log_and_holds_up_nobody(
    house: House, asked: Asked
) -> None:
    watch, run = a_watch(house), await house.claimed()
    slow = watch(context_of(house.home), run_id=run.run_id, after=0)
    seen = [await anext(slow)]
    async with asyncio.TaskGroup() as group:
        quick = group.create_task(sequences(watch, house, run))
        for n in range(3 * KEPT_EVENTS):
            await append(house, run, stage(n))
            await asyncio.sleep(0)
        last = await append(house, run, COMPLETE)
    assert quick.result() == list(range(1, last[0].sequence + 1))
    before = asked.reads
    seen += [event async for event in slow]
    assert seen == list(await house.events(run))
    assert asked.reads - before >= 3, "page by page"


async def test_a_store_that_is_away_for_a_while_costs_nothing_but_time(
    house: House, asked: Asked
) -> None:
    house = replace(house, fan_out=Mute())
    watch, run = a_watch(house), await house.claimed()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(sequences(watch, house, run))
        await until_watched(watch, 1)
        asked.away = True
        await asyncio.sleep(5 * POLL)
        await append(house, run, stage(1), COMPLETE)
        asked.away = False
    assert watching.result() == [1, 2, 3]


async def test_a_run_that_is_deleted_ends_its_watches(house: House, asked: Asked) -> None:
    watch, run = a_watch(house), await house.claimed()
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
    async with asyncio.timeout(SOON), aclosing(a_watch(house).of(run)) as told:
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
        told = a_watch(replace(house, fan_out=Broken()))(
            context_of(house.home), run_id=run.run_id, after=0
        )
        async with asyncio.timeout(SOON):
            with pytest.raises(Unavailable) as refusal:
                [event async for event in told]
        assert refusal.value.reason == "RUN_CANNOT_BE_FOLLOWED"
