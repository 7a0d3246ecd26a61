"""Announcements may be lost, repeated, late and out of order: a watcher misses nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.local.fan_out import InProcessFanOut
from domain.identifiers import RunId, SpaceId
from domain.runs.event import RunEvent
from fixtures.following import (
    COMPLETE,
    SOON,
    a_watch,
    append,
    stage,
)
from fixtures.house import context_of, new_house
from fixtures.making import new_home
from fixtures.stores import memory_stores


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
    watch, run = a_watch(house, poll_seconds=0.005), await house.claimed()
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
            await append(house, run, *(stage(n) for n in range(size)))
        await append(house, run, COMPLETE)
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
