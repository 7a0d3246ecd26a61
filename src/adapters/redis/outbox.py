"""Announcements on their way to Redis: whoever makes one does not wait for it."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from redis.asyncio import Redis

from domain.runs.codec import encode_event
from domain.runs.event import RunEvent

ANSWER_SECONDS = 0.5
_MUTE_SECONDS = 1.0
_WAITING, _AT_ONCE = 2_000, 200
_log = logging.getLogger(__name__)


class Outbox:
    """Sends in order, many in one round trip. What Redis does not take in time is forgotten."""

    def __init__(self, client: Redis, sender: bytes) -> None:
        """`sender` goes before each announcement, so that its own process can pass it over."""
        self._client = client
        self._sender = sender
        self._waiting: deque[tuple[str, Sequence[RunEvent]]] = deque(maxlen=_WAITING)
        self._arrived = asyncio.Event()

    def put(self, channel: str, events: Sequence[RunEvent]) -> None:
        """Take an announcement; when too many wait, the oldest is forgotten."""
        self._waiting.append((channel, events))
        self._arrived.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            try:
                while self._waiting:
                    await self._send()
            except Exception as error:  # noqa: BLE001 - redis-py may trip over a lost connection
                await self._lose(error)

    async def _lose(self, error: Exception) -> None:
        # What waits is old by the time Redis is back, and the log has it.
        _log.warning("announcements are lost, Redis does not take them: %r", error)
        await asyncio.sleep(_MUTE_SECONDS)
        self._waiting.clear()

    async def _send(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            self._client.pipeline(transaction=False) as sent,
        ):
            for channel, events in batch:
                sent.publish(channel, self._announcement(events))
            await sent.execute()

    def _announcement(self, events: Sequence[RunEvent]) -> bytes:
        lines = "\n".join(encode_event(event) for event in events)
        return b"%b\n%b" % (self._sender, lines.encode(errors="replace"))
