"""Standings in spaces, shared by processes through Redis.

What lies there is believed only when it has the right shape and names its own key, so that neither
rubbish nor an entry that was moved to another key lets anybody in.
"""

import asyncio
import json
import logging
import time

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adapters.redis.link import FAILURES
from domain.errors import Unavailable
from domain.identifiers import SpaceId
from domain.plain import from_plain, to_plain
from domain.tenancy.context_key import CachedAccess, ContextKey

_SECONDS = 300
_ANSWER_SECONDS = 0.25
_ERASE_SECONDS = 30.0
_MUTE_SECONDS = 1.0
_PREFIX = "obelisk:context:"
_log = logging.getLogger(__name__)


class ContextCacheUnavailable(Unavailable):
    reason = "CONTEXT_CACHE_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("Redis does not answer; try again")


class RedisContextCache:
    def __init__(self, url: str, *, answer_seconds: float = _ANSWER_SECONDS) -> None:
        """`url` is redis-py's: redis://, rediss:// or unix://. Connects when it is first used.

        Whoever asks goes without it after `answer_seconds`.
        """
        self._answer_seconds = answer_seconds
        self._client: Redis = Redis.from_url(
            url,
            socket_timeout=answer_seconds,
            socket_connect_timeout=answer_seconds,
            retry=Retry(NoBackoff(), 1),
        )
        self._muted_until = 0.0

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        await self._client.aclose()

    async def get(self, key: ContextKey) -> CachedAccess | None:
        if time.monotonic() < self._muted_until:
            return None
        try:
            async with asyncio.timeout(self._answer_seconds):
                text = await self._client.get(_PREFIX + str(key))
        except FAILURES as error:
            self._mute(error)
            return None
        return _read(key, text)

    async def put(self, key: ContextKey, access: CachedAccess) -> None:
        if time.monotonic() < self._muted_until:
            return
        try:
            async with asyncio.timeout(self._answer_seconds):
                text = json.dumps(to_plain(access))
                await self._client.set(_PREFIX + str(key), text, ex=_SECONDS)
        except FAILURES as error:
            self._mute(error)

    async def forget(self, space: SpaceId) -> int:
        try:
            async with asyncio.timeout(_ERASE_SECONDS):
                pattern = f"{_PREFIX}*:{space}:*"
                keys = [key async for key in self._client.scan_iter(match=pattern, count=1_000)]
                return int(await self._client.unlink(*keys)) if keys else 0
        except FAILURES as error:
            raise ContextCacheUnavailable from error

    def _mute(self, error: Exception) -> None:
        # A Redis that is away must not cost every request its timeout.
        self._muted_until = time.monotonic() + _MUTE_SECONDS
        _log.warning("standings in spaces are not shared: %s", error)


def _read(key: ContextKey, text: bytes | str | None) -> CachedAccess | None:
    if text is None:
        return None
    try:
        found = from_plain(CachedAccess, json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None
    return found if found.answers(key) else None
