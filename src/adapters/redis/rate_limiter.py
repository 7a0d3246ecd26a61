"""Attempts counted in Redis, for all processes together."""

import logging
import time

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adapters.redis.link import FAILURES
from application.ports.rate_limiter import RateLimiter
from domain.auth.rate import Rate

_ANSWER_SECONDS = 0.5
_MUTE_SECONDS = 1.0
_log = logging.getLogger(__name__)

# `Rate.take`, in whole microseconds of the server's own clock. Returns the wait.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + interval
local wait = due - now - window
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000))
return 0
"""
_GIVE_BACK = """
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('DECRBY', KEYS[1], ARGV[1])
end
return 0
"""


class RedisRateLimiter:
    """While Redis is away, `fallback` counts: each process for itself, but never nobody."""

    def __init__(self, url: str, *, fallback: RateLimiter) -> None:
        """`url` is redis-py's: redis://, rediss:// or unix://."""
        self._client: Redis = Redis.from_url(
            url,
            socket_timeout=_ANSWER_SECONDS,
            socket_connect_timeout=_ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._take = self._client.register_script(_TAKE)
        self._give_back = self._client.register_script(_GIVE_BACK)
        self._fallback = fallback
        self._away_until = 0.0

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def take(self, key: str, rate: Rate) -> float:
        if time.monotonic() >= self._away_until:
            interval = round(rate.interval * 1e6)
            try:
                wait = await self._take([_named(key)], [interval, interval * rate.limit])
                return int(wait) / 1e6
            except FAILURES as error:
                self._lose(error)
        return await self._fallback.take(key, rate)

    async def give_back(self, key: str, rate: Rate) -> None:
        await self._fallback.give_back(key, rate)
        if time.monotonic() >= self._away_until:
            try:
                await self._give_back([_named(key)], [round(rate.interval * 1e6)])
            except FAILURES as error:
                self._lose(error)

    def _lose(self, error: Exception) -> None:
        self._away_until = time.monotonic() + _MUTE_SECONDS
        _log.warning("Redis does not answer, attempts are counted in this process: %s", error)


def _named(key: str) -> str:
    return f"obelisk:rate:{key}"
