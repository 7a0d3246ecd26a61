"""Announcements inside one process."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

from domain.identifiers import RunId, SpaceId
from domain.runs.event import RunEvent

_REMEMBERED_EVENTS = 256
_Key = tuple[SpaceId, RunId]


class InProcessSubscription:
    """A bounded memory of what was announced; the oldest is forgotten first."""

    def __init__(self) -> None:
        self._events: deque[RunEvent] = deque(maxlen=_REMEMBERED_EVENTS)
        self._arrived = asyncio.Event()

    def announce(self, events: Sequence[RunEvent]) -> None:
        self._events.extend(events)
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


class InProcessFanOut:
    def __init__(self) -> None:
        self._listeners: defaultdict[_Key, set[InProcessSubscription]] = defaultdict(set)

    async def publish(self, space: SpaceId, run: RunId, events: Sequence[RunEvent]) -> None:
        for subscription in self._listeners.get((space, run), ()):
            subscription.announce(events)

    @asynccontextmanager
    async def subscribe(self, space: SpaceId, run: RunId) -> AsyncGenerator[InProcessSubscription]:
        subscription = InProcessSubscription()
        self._listeners[space, run].add(subscription)
        try:
            yield subscription
        finally:
            self._listeners[space, run].discard(subscription)
            if not self._listeners[space, run]:
                del self._listeners[space, run]
