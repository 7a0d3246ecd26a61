"""A watcher's ear, whichever way the announcements come."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from domain.runs.event import RunEvent

_REMEMBERED_EVENTS = 256


class BoundedSubscription:
    """A bounded memory of what was announced; the oldest is forgotten first."""

    def __init__(self) -> None:
        self._events: deque[RunEvent] = deque(maxlen=_REMEMBERED_EVENTS)
        self._arrived = asyncio.Event()

    def announce(self, events: Sequence[RunEvent]) -> None:
        """Take what was announced; never waits."""
        self._events.extend(events)
        self._arrived.set()

    def doubt(self) -> None:
        """Some announcements may be missing: whoever waits is told nothing, at once."""
        self._arrived.set()

    async def next(self, timeout: float) -> tuple[RunEvent, ...]:
        # Not `wait_for`: before Python 3.12 it can swallow a cancellation.
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._arrived.wait()
        self._arrived.clear()
        events = tuple(self._events)
        self._events.clear()
        return events
