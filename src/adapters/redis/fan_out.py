"""Announcements between processes, through Redis pub/sub."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adapters.redis.link import PubSubLink
from adapters.redis.outbox import ANSWER_SECONDS, Outbox
from application.runs.subscription import BoundedSubscription
from domain.identifiers import RunId, SpaceId
from domain.runs.codec import decode_event
from domain.runs.event import RunEvent

_START_SECONDS = 1.0
_SILENCE_SECONDS = 15.0
_AGAIN_SECONDS = 0.1
_log = logging.getLogger(__name__)


class RedisFanOut:
    """A `FanOut` over one pub/sub connection a process.

    Those who watch in this process hear at once, whatever becomes of Redis. While it is away,
    announcements between processes are lost and nothing else is; when it is back, everybody is
    told that some may be missing.
    """

    def __init__(self, url: str, *, silence_seconds: float = _SILENCE_SECONDS) -> None:
        """`url` is redis-py's: redis://, rediss:// or unix://."""
        # The link reads with its own, longer timeout; a second attempt outlives a server restart.
        self._client: Redis = Redis.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._link = PubSubLink(
            self._client, self._hear, self._doubt, silence_seconds=silence_seconds
        )
        self._name = os.urandom(8).hex().encode()
        self._outbox = Outbox(self._client, self._name)
        self._listeners: dict[str, set[BoundedSubscription]] = {}
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def start(self) -> None:
        """Begin to listen; returns after at most a second, also when Redis is away."""
        work = self._link.run(), self._outbox.run()
        self._tasks = tuple(asyncio.create_task(each, name="redis-fan-out") for each in work)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._link.wait_until_up(), _START_SECONDS)

    async def close(self) -> None:
        """Stop listening and close every connection. Idempotent."""
        tasks, self._tasks = self._tasks, ()
        # Asked again, because redis-py can swallow a cancellation while it connects.
        while under_way := [task for task in tasks if not task.done()]:
            for task in under_way:
                task.cancel()
            await asyncio.wait(under_way, timeout=_AGAIN_SECONDS)
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
        if not events:
            return
        channel = _channel(space, run)
        for subscription in self._listeners.get(channel, ()):
            subscription.announce(events)
        self._outbox.put(channel, events)

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
        sender, _, lines = data.partition(b"\n")
        # Its own announcements were heard here before they were sent.
        if not listeners or sender == self._name:
            return
        try:
            events = [decode_event(line) for line in lines.decode().split("\n")]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            _log.warning("an announcement on %s could not be read: %s", channel, error)
            return
        for subscription in listeners:
            subscription.announce(events)

    def _doubt(self, channel: str) -> None:
        for subscription in self._listeners.get(channel, ()):
            subscription.doubt()


def _channel(space: SpaceId, run: RunId) -> str:
    return f"obelisk:run-events:{space}:{run}"
