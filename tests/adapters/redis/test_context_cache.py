"""The shared cache of standings: what it refuses to believe, and a Redis that is away."""

import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from adapters.redis.context_cache import ContextCacheUnavailable, RedisContextCache
from adapters.redis.embedded import EmbeddedValkey
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.context_key import CachedAccess, context_key
from fixtures.making import new_id

HOME, SPACE, USER = OrganizationId(new_id()), SpaceId(new_id()), UserId(new_id())
KEY = context_key(organization=HOME, space=SPACE, principal=USER, epoch=1)
ACCESS = SpaceAccess(organization_id=HOME, space_id=SPACE, role=Role.EDITOR)
FOUND = CachedAccess(key=str(KEY), access=ACCESS)
PLACE = f"obelisk:context:{KEY}"


@pytest_asyncio.fixture
async def cache(redis: Redis, valkey_url: str) -> AsyncIterator[RedisContextCache]:
    # A busy machine must not look like a Redis that is away.
    made = RedisContextCache(valkey_url, answer_seconds=10.0)
    yield made
    await made.close()


@pytest.fixture
def server() -> Iterator[EmbeddedValkey]:
    """A Valkey of the test's own, to be stopped and started again."""
    folder = Path(tempfile.mkdtemp(prefix="valkey-", dir="/tmp"))
    with EmbeddedValkey(folder) as started:
        yield started
    shutil.rmtree(folder)


def _text(**changed: object) -> str:
    access = {"organization_id": str(HOME), "space_id": str(SPACE), "role": "editor"}
    return json.dumps({"key": str(KEY), "access": access | changed})


async def test_an_entry_in_the_right_shape_is_believed(
    cache: RedisContextCache, redis: Redis
) -> None:
    await redis.set(PLACE, _text())
    assert await cache.get(KEY) == FOUND


@pytest.mark.parametrize(
    "rubbish",
    [
        "",
        "\x00\xff",
        "null",
        "[]",
        "{}",
        '"owner"',
        "[" * 100_000,
        json.dumps({"key": str(KEY)}),
        json.dumps({"key": "another", "access": None}),
        json.dumps({"key": str(KEY), "access": "owner"}),
        json.dumps({"key": str(KEY), "access": {"role": "owner"}}),
        _text(role="emperor"),
        _text(role=None),
        _text(space_id="nordlys"),
        _text(space_id=str(new_id())),
        _text(organization_id=str(new_id())),
    ],
)
async def test_anything_else_is_a_miss(
    cache: RedisContextCache, redis: Redis, rubbish: str
) -> None:
    await redis.set(PLACE, rubbish)
    assert await cache.get(KEY) is None
    await cache.put(KEY, FOUND)
    assert await cache.get(KEY) == FOUND


async def test_something_that_is_no_text_at_all_is_a_miss(
    cache: RedisContextCache, redis: Redis
) -> None:
    await redis.rpush(PLACE, "a")
    assert await cache.get(KEY) is None


async def test_an_entry_that_was_moved_to_another_key_is_a_miss(
    cache: RedisContextCache, redis: Redis
) -> None:
    other = context_key(organization=HOME, space=SPACE, principal=UserId(new_id()), epoch=1)
    await cache.put(KEY, FOUND)
    await redis.copy(PLACE, f"obelisk:context:{other}")
    assert await cache.get(other) is None


async def test_an_entry_lives_five_minutes(cache: RedisContextCache, redis: Redis) -> None:
    await cache.put(KEY, FOUND)
    assert 290 <= await redis.ttl(PLACE) <= 300


async def test_a_redis_that_is_away_knows_nothing_and_costs_little(server: EmbeddedValkey) -> None:
    cache = RedisContextCache(server.url)
    await cache.put(KEY, FOUND)
    assert await cache.get(KEY) == FOUND
    server.stop()
    started = time.monotonic()
    for _ in range(100):
        assert await cache.get(KEY) is None
        await cache.put(KEY, FOUND)
    assert time.monotonic() - started < 2.0
    with pytest.raises(ContextCacheUnavailable):
        await cache.forget(SPACE)
    await cache.close()


async def test_a_redis_that_comes_back_is_used_again(server: EmbeddedValkey) -> None:
    cache = RedisContextCache(server.url)
    server.stop()
    assert await cache.get(KEY) is None
    server.start()
    deadline = time.monotonic() + 5.0
    while await cache.get(KEY) is None and time.monotonic() < deadline:
        await cache.put(KEY, FOUND)
    assert await cache.get(KEY) == FOUND
    await cache.close()
