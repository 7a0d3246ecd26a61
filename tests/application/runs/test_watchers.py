"""Places of watchers, and what they hear while nothing happens."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from application.runs.watch import Heartbeat
from application.runs.watchers import TooManyWatchers, WatcherLimits
from domain.errors import InvalidInput
from domain.runs.event import RunEvent, RunPaused
from domain.runs.run import CursorBeyondEnd, RunState
from fixtures.following import (
    COMPLETE,
    SOON,
    a_watch,
    append,
    sequences,
    stage,
    until_watched,
)
from fixtures.house import House, context_of
from fixtures.making import new_home


async def test_silence_is_filled_by_heartbeats_that_are_not_kept(house: House) -> None:
    watch, run = a_watch(house, heartbeat_seconds=0.02), await house.claimed()
    told = watch(context_of(house.home), run_id=run.run_id, after=0)
    async with asyncio.timeout(SOON), aclosing(told):
        first = await anext(told)
        beats = [await anext(told) for _ in range(3)]
        await append(house, run, stage(1), COMPLETE)
        rest = [event async for event in told if isinstance(event, RunEvent)]
    assert beats == [Heartbeat(time=house.clock.now())] * 3
    assert [first, *rest] == list(await house.events(run))


async def test_a_run_that_goes_on_has_no_heartbeats(house: House) -> None:
    watch, run = a_watch(house, heartbeat_seconds=0.5), await house.claimed()
    told = watch(context_of(house.home), run_id=run.run_id, after=0)

    async def write() -> None:
        for n in range(30):
            await asyncio.sleep(0.03)
            await append(house, run, stage(n))
        await append(house, run, COMPLETE)

    async with asyncio.timeout(SOON), asyncio.TaskGroup() as group:
        group.create_task(write())
        heard = [event async for event in told]
    assert not [event for event in heard if isinstance(event, Heartbeat)]


async def test_a_paused_run_keeps_its_watches_open(house: House) -> None:
    watch, run = a_watch(house, heartbeat_seconds=0.02), await house.claimed()
    paused = await append(house, run, RunPaused(pause_id="p1", prompt="Shall it go out?"))
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
    watch, run = a_watch(house, limits=limits), await house.claimed()
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
    watch = a_watch(house, limits=WatcherLimits(a_space=1, a_process=2))
    elsewhere = replace(house, home=await new_home(house.stores.tenancy))
    here, there = await house.claimed(), await elsewhere.claimed()
    mine = watch(context_of(house.home), run_id=here.run_id, after=0)
    theirs = watch(context_of(elsewhere.home), run_id=there.run_id, after=0)
    assert [(await anext(told)) for told in (mine, theirs)]
    await mine.aclose()
    await theirs.aclose()


@pytest.mark.parametrize("how", ["refused", "ended", "cancelled"])
async def test_a_place_is_freed_however_a_watch_ends(house: House, how: str) -> None:
    watch, run = a_watch(house), await house.claimed()
    if how == "refused":
        with pytest.raises(CursorBeyondEnd):
            await sequences(watch, house, run, after=99)
    elif how == "ended":
        await append(house, run, COMPLETE)
        assert await sequences(watch, house, run) == [1, 2]
    else:
        watching = asyncio.ensure_future(sequences(watch, house, run))
        await until_watched(watch, 1)
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
    assert watch.watchers.count == 0


def test_at_least_one_watcher_has_to_be_let_in() -> None:
    with pytest.raises(InvalidInput):
        WatcherLimits(a_process=0)
