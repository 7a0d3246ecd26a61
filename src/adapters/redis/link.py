"""One pub/sub connection for all the watchers of a process, kept up for as long as it is wanted."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TypedDict

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

FAILURES = (RedisError, OSError, TimeoutError)
# A channel of the link's own: without any channel a pub/sub connection cannot be read.
_ANCHOR = "obelisk:link"
_JOIN_SECONDS = 1.0
_FIRST_DELAY, _LAST_DELAY = 0.05, 2.0
_log = logging.getLogger(__name__)


class _Message(TypedDict):
    type: str
    channel: bytes | None
    data: bytes | int


class PubSubLink:
    """Joins and leaves channels on one connection, and joins them again on the next one."""

    def __init__(
        self,
        client: Redis,
        hear: Callable[[str, bytes], None],
        doubt: Callable[[str], None],
        *,
        silence_seconds: float,
    ) -> None:
        """`hear` gets each message's channel and data, `doubt` a channel on which some were lost;
        neither may raise.

        A connection that says nothing for `silence_seconds` is asked to, and given up after twice
        that time.
        """
        self._client = client
        self._hear = hear
        self._doubt = doubt
        self._silence_seconds = silence_seconds
        self._channels: dict[str, asyncio.Event] = {}
        self._joining: Counter[str] = Counter()
        self._pubsub: PubSub | None = None
        self._sending = asyncio.Lock()
        self._up = asyncio.Event()

    async def wait_until_up(self) -> None:
        """Return when the server has accepted the connection."""
        await self._up.wait()

    async def run(self) -> None:
        """Read until cancelled; connect again whenever the connection is lost."""
        delay = _FIRST_DELAY
        while True:
            try:
                async with self._client.pubsub() as pubsub:
                    await self._open(pubsub)
                    delay = _FIRST_DELAY
                    await self._listen(pubsub)
            except FAILURES as error:
                if delay == _FIRST_DELAY:
                    _log.warning("Redis does not answer, announcements are lost: %s", error)
            except Exception:  # noqa: BLE001 - whatever breaks a connection, the next may hold
                _log.exception("the connection to Redis broke in an unforeseen way")
            finally:
                self._forget()
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LAST_DELAY)

    async def join(self, channel: str) -> None:
        """Return when the server has confirmed the channel; at once when the link is down."""
        confirmed = self._channels.setdefault(channel, asyncio.Event())
        if confirmed.is_set():
            return
        self._joining[channel] += 1
        try:
            await self._send(channel, wanted=True)
            if self._pubsub is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(confirmed.wait(), _JOIN_SECONDS)
        finally:
            self._joining[channel] -= 1
            if not self._joining[channel]:
                del self._joining[channel]

    async def leave(self, channel: str) -> None:
        """Hear no more of the channel."""
        self._channels.pop(channel, None)
        await self._send(channel, wanted=False)

    async def _send(self, channel: str, *, wanted: bool) -> None:
        async with self._sending:
            pubsub = self._pubsub
            # Whoever came or went while this one waited has said it better.
            if pubsub is None or wanted is not (channel in self._channels):
                return
            try:
                await (pubsub.subscribe(channel) if wanted else pubsub.unsubscribe(channel))
            except Exception as error:  # noqa: BLE001 - redis-py may trip over a lost connection
                _log.debug("the connection to Redis was lost: %r", error)
                self._forget()

    async def _open(self, pubsub: PubSub) -> None:
        async with self._sending:
            await pubsub.subscribe(_ANCHOR, *self._channels)
            self._pubsub = pubsub

    async def _listen(self, pubsub: PubSub) -> None:
        asked = False
        while self._pubsub is pubsub:
            message: _Message | None = await pubsub.get_message(timeout=self._silence_seconds)
            if message is not None:
                asked = False
                self._take(message)
            elif asked:
                raise TimeoutError("it has fallen silent")
            else:
                asked = True
                await pubsub.ping()

    def _take(self, message: _Message) -> None:
        channel, data = message["channel"], message["data"]
        if channel is None:
            return
        name = channel.decode()
        if message["type"] == "message" and isinstance(data, bytes):
            self._hear(name, data)
        elif message["type"] == "subscribe":
            if name == _ANCHOR:
                self._up.set()
            self._confirm(name)

    def _confirm(self, channel: str) -> None:
        confirmed = self._channels.get(channel)
        if confirmed is None or confirmed.is_set():
            return
        confirmed.set()
        # Nobody waits for this: it was joined before, on a connection that was lost.
        if not self._joining[channel]:
            self._doubt(channel)

    def _forget(self) -> None:
        self._pubsub = None
        self._up.clear()
        for confirmed in self._channels.values():
            confirmed.clear()
