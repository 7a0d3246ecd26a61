"""What only the limiter in Redis must keep: all processes count together, and none counts never."""

import asyncio
import tempfile
from pathlib import Path

from redis.asyncio import Redis

from adapters.local.clock import SystemClock
from adapters.local.rate_limiter import InProcessRateLimiter
from adapters.redis.rate_limiter import RedisRateLimiter
from domain.auth.rate import Rate

_RATE = Rate(limit=4, seconds=3600)


def _limiter(url: str) -> RedisRateLimiter:
    return RedisRateLimiter(url, fallback=InProcessRateLimiter(SystemClock()))


async def test_two_processes_share_what_is_counted(valkey_url: str, redis: Redis) -> None:
    one, other = _limiter(valkey_url), _limiter(valkey_url)
    waits = await asyncio.gather(*(who.take("a", _RATE) for who in (one, other) for _ in range(6)))
    assert len([wait for wait in waits if wait == 0]) == 4
    await one.close()
    await other.close()


async def test_what_is_paid_off_leaves_redis_by_itself(valkey_url: str, redis: Redis) -> None:
    limiter = _limiter(valkey_url)
    await limiter.take("a", Rate(limit=10, seconds=0.5))
    (key,) = await redis.keys("*")
    assert 0 < await redis.pttl(key) <= 50
    await asyncio.sleep(0.1)
    assert await redis.keys("*") == []
    await limiter.close()


async def test_while_redis_is_away_the_process_counts_by_itself() -> None:
    with tempfile.TemporaryDirectory() as folder:
        limiter = _limiter(f"unix://{Path(folder) / 'nobody.sock'}")
        assert [await limiter.take("a", _RATE) for _ in range(4)] == [0] * 4
        assert await limiter.take("a", _RATE) > 0
        await limiter.give_back("a", _RATE)
        assert await limiter.take("a", _RATE) == 0
        await limiter.close()
