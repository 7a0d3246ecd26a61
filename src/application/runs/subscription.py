"""A watcher's ear, whichever way the announcements come."""

import asyncio
from collections import deque
from collections.abc import Sequence

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
        if not self._arrived.is_set():
            # A bare timer: a timeout's own machinery would cost more than what it guards.
            timer = asyncio.get_running_loop().call_later(timeout, self._arrived.set)
            try:
                await self._arrived.wait()
            finally:
                timer.cancel()
        self._arrived.clear()
        events = tuple(self._events)
        self._events.clear()
        return events
