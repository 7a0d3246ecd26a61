"""Announcements inside one process."""

import asyncio

from adapters.local.fan_out import InProcessFanOut
from domain.identifiers import RunId, SpaceId
from domain.runs.event import RunEvent, TokenBatch
from fixtures.making import NOON, new_id

SPACE, RUN = SpaceId(new_id()), RunId(new_id())
EVENT = RunEvent(sequence=1, create_time=NOON, kind=TokenBatch(text="x"))


async def test_a_watcher_cancelled_in_the_moment_of_an_announcement_stops() -> None:
    fan_out = InProcessFanOut()
    async with fan_out.subscribe(SPACE, RUN) as subscription, asyncio.TaskGroup() as group:
        listening = group.create_task(subscription.next(5.0))
        await asyncio.sleep(0.01)
        await fan_out.publish(SPACE, RUN, [EVENT])  # wakes the watcher ...
        listening.cancel()  # ... and it is cancelled before it runs
    assert listening.cancelled()
