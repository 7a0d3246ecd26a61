from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from domain.identifiers import RunId, SpaceId
from domain.runs.event import RunEvent


class Subscription(Protocol):
    """One watcher's ear. Its memory is bounded: what it cannot hold, it forgets."""

    async def next(self, timeout: float) -> tuple[RunEvent, ...]:
        """The announced events since the last call, oldest first; none after `timeout` seconds, and
        none at once when some are known to be lost.

        Events can be missing or repeated; the event log is the truth.
        """
        ...


class FanOut(Protocol):
    """Announces committed events to whoever watches. It may lose; it never invents."""

    async def publish(self, space: SpaceId, run: RunId, events: Sequence[RunEvent]) -> None:
        """Announce events that are committed. Never raises, never waits for a slow watcher."""
        ...

    def subscribe(self, space: SpaceId, run: RunId) -> AbstractAsyncContextManager[Subscription]:
        """Listen; every event published after the context is entered is announced to it."""
        ...
