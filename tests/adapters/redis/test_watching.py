"""Watching through a real Valkey that is killed and started again in the middle of runs."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.redis.embedded import EmbeddedValkey
from adapters.redis.fan_out import RedisFanOut
from application.runs.watch import WatchRun
from domain.runs.event import EventKind, RunCompleted, RunEvent, TokenBatch
from domain.runs.run import Run, TerminationReason
from fixtures.house import House, context_of, new_house
from fixtures.making import new_home
from fixtures.stores import memory_stores

COMPLETE = RunCompleted(reason=TerminationReason.COMPLETE)
EVENTS, RUNS, WATCHERS = 120, 4, 5
SOON = 30.0


@pytest.fixture
def server() -> Iterator[EmbeddedValkey]:
    folder = Path(tempfile.mkdtemp(prefix="valkey-", dir="/tmp"))
    with EmbeddedValkey(folder) as started:
        yield started
    shutil.rmtree(folder)


async def _kill(server: EmbeddedValkey) -> None:
    os.kill(server.pid, signal.SIGKILL)
    await asyncio.to_thread(server.stop)


async def _freeze(server: EmbeddedValkey) -> None:
    os.kill(server.pid, signal.SIGSTOP)


async def _write(house: House, there: RedisFanOut, run: Run) -> None:
    """A run's events, committed and announced by another process."""
    for n in range(EVENTS):
        kind: EventKind = TokenBatch(text=f"{n} ") if n < EVENTS - 1 else COMPLETE
        events = await house.stores.log.append(run.space_id, run.run_id, run.fence, [kind])
        await there.publish(run.space_id, run.run_id, events)
        await asyncio.sleep(0.015)


async def _watched(watch: WatchRun, house: House, run: Run) -> list[int]:
    told = watch(context_of(house.home), run_id=run.run_id, after=0)
    return [event.sequence async for event in told if isinstance(event, RunEvent)]


@pytest.mark.parametrize("fault", ["killed", "killed twice", "frozen"])
async def test_a_redis_that_goes_and_comes_back_costs_watchers_no_event(
    server: EmbeddedValkey, fault: str
) -> None:
    stores = memory_stores()
    house = new_house(stores, await new_home(stores.tenancy))
    runs = [await house.claimed() for _ in range(RUNS)]

    async def trouble() -> None:
        for _ in range(2 if fault == "killed twice" else 1):
            await asyncio.sleep(0.3)
            await (_freeze(server) if fault == "frozen" else _kill(server))
            await asyncio.sleep(0.4)
            if fault == "frozen":
                os.kill(server.pid, signal.SIGCONT)
            else:
                await asyncio.to_thread(server.start)

    url = server.url
    async with RedisFanOut(url, silence_seconds=0.2) as here, RedisFanOut(url) as there:
        watch = _watch(replace(house, fan_out=here))
        async with asyncio.timeout(SOON), asyncio.TaskGroup() as group:
            seen = [
                group.create_task(_watched(watch, house, run))
                for run in runs
                for _ in range(WATCHERS)
            ]
            for run in runs:
                group.create_task(_write(house, there, run))
            group.create_task(trouble())
    assert [task.result() for task in seen] == [list(range(1, EVENTS + 2))] * (RUNS * WATCHERS)


async def test_whoever_watches_is_caught_up_when_redis_is_back_and_before_the_next_poll(
    server: EmbeddedValkey,
) -> None:
    stores = memory_stores()
    house = new_house(stores, await new_home(stores.tenancy))
    run = await house.claimed()
    async with RedisFanOut(server.url) as here:
        told = _watch(replace(house, fan_out=here), poll_seconds=3600)(
            context_of(house.home), run_id=run.run_id, after=1
        )
        await _kill(server)
        async with asyncio.TaskGroup() as group, asyncio.timeout(SOON):
            waiting = group.create_task(anext(told))
            await asyncio.sleep(0.2)
            await stores.log.append(run.space_id, run.run_id, run.fence, [COMPLETE])
            await asyncio.to_thread(server.start)
        assert isinstance(waiting.result(), RunEvent)
        await told.aclose()


def _watch(house: House, *, poll_seconds: float = 1.0) -> WatchRun:
    return WatchRun(
        runs=house.stores.runs,
        log=house.stores.log,
        fan_out=house.fan_out,
        clock=house.clock,
        poll_seconds=poll_seconds,
    )
