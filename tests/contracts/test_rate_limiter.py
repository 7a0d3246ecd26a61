"""The contract of `RateLimiter`, on every adapter."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from adapters.local.clock import SystemClock
from adapters.local.rate_limiter import InProcessRateLimiter
from adapters.redis.rate_limiter import RedisRateLimiter
from application.ports.rate_limiter import RateLimiter
from domain.auth.rate import Rate

_RATE = Rate(limit=3, seconds=0.6)
_SLOW = Rate(limit=5, seconds=3600)


@pytest_asyncio.fixture
async def closing() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture(params=["in process", "redis"])
def limiter(request: pytest.FixtureRequest, closing: AsyncExitStack) -> RateLimiter:
    inner = InProcessRateLimiter(SystemClock())
    if request.param == "in process":
        return inner
    request.getfixturevalue("redis")
    outer = RedisRateLimiter(request.getfixturevalue("valkey_url"), fallback=inner)
    closing.push_async_callback(outer.close)
    return outer


async def test_as_many_as_allowed_pass_and_the_next_hears_how_long_to_wait(
    limiter: RateLimiter,
) -> None:
    assert [await limiter.take("a", _SLOW) for _ in range(5)] == [0] * 5
    assert 0 < await limiter.take("a", _SLOW) <= _SLOW.interval


async def test_after_the_wait_one_more_passes(limiter: RateLimiter) -> None:
    for _ in range(3):
        assert await limiter.take("a", _RATE) == 0
    wait = await limiter.take("a", _RATE)
    assert 0 < wait <= _RATE.interval
    await asyncio.sleep(wait + 0.02)
    assert await limiter.take("a", _RATE) == 0
    assert await limiter.take("a", _RATE) > 0


async def test_one_that_is_too_many_is_not_counted(limiter: RateLimiter) -> None:
    for _ in range(3):
        await limiter.take("a", _RATE)
    waits = [await limiter.take("a", _RATE) for _ in range(20)]
    assert all(wait <= _RATE.interval for wait in waits)


async def test_keys_do_not_know_each_other(limiter: RateLimiter) -> None:
    for _ in range(5):
        await limiter.take("a", _SLOW)
    assert await limiter.take("b", _SLOW) == 0
    assert await limiter.take("a", _SLOW) > 0


async def test_what_is_given_back_can_be_taken_again_once(limiter: RateLimiter) -> None:
    for _ in range(5):
        await limiter.take("a", _SLOW)
    await limiter.give_back("a", _SLOW)
    assert await limiter.take("a", _SLOW) == 0
    assert await limiter.take("a", _SLOW) > 0


async def test_giving_back_what_was_never_taken_saves_up_nothing(limiter: RateLimiter) -> None:
    for _ in range(9):
        await limiter.give_back("a", _SLOW)
    await limiter.take("a", _SLOW)
    for _ in range(9):
        await limiter.give_back("a", _SLOW)
    assert [await limiter.take("a", _SLOW) for _ in range(5)] == [0] * 5
    assert await limiter.take("a", _SLOW) > 0


async def test_of_many_at_one_moment_no_more_than_allowed_pass(limiter: RateLimiter) -> None:
    waits = await asyncio.gather(*(limiter.take("a", _SLOW) for _ in range(40)))
    assert len([wait for wait in waits if wait == 0]) == 5
