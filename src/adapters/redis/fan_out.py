"""Announcements between processes, through Redis pub/sub."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adapters.redis.link import FAILURES, PubSubLink
from application.runs.subscription import BoundedSubscription
from domain.identifiers import RunId, SpaceId
from domain.runs.codec import decode_event, encode_event
from domain.runs.event import RunEvent

_START_SECONDS = 1.0
_ANSWER_SECONDS = 0.5
_MUTE_SECONDS = 1.0
_SILENCE_SECONDS = 15.0
_log = logging.getLogger(__name__)


class RedisFanOut:
    """A `FanOut` over one pub/sub connection a process.

    While Redis is away, announcements are lost and nothing else is; they come again with it.
    """

    def __init__(self, url: str, *, silence_seconds: float = _SILENCE_SECONDS) -> None:
        """`url` is redis-py's: redis://, rediss:// or unix://."""
        # The link reads with its own, longer timeout; a second attempt outlives a server restart.
        self._client: Redis = Redis.from_url(
            url,
            socket_timeout=_ANSWER_SECONDS,
            socket_connect_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._link = PubSubLink(self._client, self._hear, silence_seconds=silence_seconds)
        self._listeners: dict[str, set[BoundedSubscription]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._muted_until = 0.0

    async def start(self) -> None:
        """Begin to listen; returns after at most a second, also when Redis is away."""
        self._reader = asyncio.create_task(self._link.run(), name="redis-fan-out")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._link.wait_until_up(), _START_SECONDS)

    async def close(self) -> None:
        """Stop listening and close every connection. Idempotent."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            await asyncio.wait([reader])
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def publish(self, space: SpaceId, run: RunId, events: Sequence[RunEvent]) -> None:
        # A Redis that is away must not cost every batch of every run its timeout.
        if not events or time.monotonic() < self._muted_until:
            return
        lines = "\n".join(encode_event(event) for event in events).encode(errors="replace")
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._client.publish(_channel(space, run), lines)
        except FAILURES as error:
            self._muted_until = time.monotonic() + _MUTE_SECONDS
            _log.warning("an announcement was lost: %s", error)

    @asynccontextmanager
    async def subscribe(self, space: SpaceId, run: RunId) -> AsyncGenerator[BoundedSubscription]:
        channel, subscription = _channel(space, run), BoundedSubscription()
        self._listeners.setdefault(channel, set()).add(subscription)
        try:
            await self._link.join(channel)
            yield subscription
        finally:
            self._listeners[channel].discard(subscription)
            if not self._listeners[channel]:
                del self._listeners[channel]
                await self._link.leave(channel)

    def _hear(self, channel: str, data: bytes) -> None:
        listeners = self._listeners.get(channel)
        if not listeners:
            return
        try:
            events = [decode_event(line) for line in data.decode().split("\n")]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            _log.warning("an announcement on %s could not be read: %s", channel, error)
            return
        for subscription in listeners:
            subscription.announce(events)


def _channel(space: SpaceId, run: RunId) -> str:
    return f"obelisk:run-events:{space}:{run}"
