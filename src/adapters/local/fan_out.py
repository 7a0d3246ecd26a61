"""Announcements inside one process."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from application.runs.subscription import BoundedSubscription
from domain.identifiers import RunId, SpaceId
from domain.runs.event import RunEvent

_Key = tuple[SpaceId, RunId]


class InProcessFanOut:
    def __init__(self) -> None:
        self._listeners: defaultdict[_Key, set[BoundedSubscription]] = defaultdict(set)

    async def publish(self, space: SpaceId, run: RunId, events: Sequence[RunEvent]) -> None:
        for subscription in self._listeners.get((space, run), ()):
            subscription.announce(events)

    @asynccontextmanager
    async def subscribe(self, space: SpaceId, run: RunId) -> AsyncGenerator[BoundedSubscription]:
        subscription = BoundedSubscription()
        self._listeners[space, run].add(subscription)
        try:
            yield subscription
        finally:
            self._listeners[space, run].discard(subscription)
            if not self._listeners[space, run]:
                del self._listeners[space, run]
