"""The contract of `ContextCache`, on every adapter."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from adapters.local.context_cache import InProcessContextCache
from adapters.memory.clock import FixedClock
from adapters.redis.context_cache import RedisContextCache
from application.ports.context_cache import ContextCache
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.context_key import CachedAccess, ContextKey, context_key
from fixtures.making import new_id

HOME, SPACE, USER = OrganizationId(new_id()), SpaceId(new_id()), UserId(new_id())
KEY = context_key(organization=HOME, space=SPACE, principal=USER, epoch=7)


@pytest_asyncio.fixture
async def shared_cache(redis: Redis, valkey_url: str) -> AsyncIterator[RedisContextCache]:
    # A busy machine must not look like a Redis that is away.
    cache = RedisContextCache(valkey_url, answer_seconds=10.0)
    yield cache
    await cache.close()


@pytest.fixture(params=["in process", "redis"])
def cache(request: pytest.FixtureRequest) -> ContextCache:
    if request.param == "in process":
        return InProcessContextCache(FixedClock())
    made: ContextCache = request.getfixturevalue("shared_cache")
    return made


def _found(key: ContextKey, role: Role | None = Role.EDITOR) -> CachedAccess:
    access = (
        SpaceAccess(organization_id=HOME, space_id=key.space_id, role=role)
        if role is not None
        else None
    )
    return CachedAccess(key=str(key), access=access)


@pytest.mark.parametrize("role", [*Role, None])
async def test_what_was_put_is_found(cache: ContextCache, role: Role | None) -> None:
    assert await cache.get(KEY) is None
    await cache.put(KEY, _found(KEY, role))
    assert await cache.get(KEY) == _found(KEY, role)


@pytest.mark.parametrize(
    "other",
    [
        replace(KEY, organization_id=None),
        replace(KEY, organization_id=OrganizationId(new_id())),
        replace(KEY, space_id=SpaceId(new_id())),
        replace(KEY, principal=UserId(new_id())),
        replace(KEY, epoch=8),
        replace(KEY, policy="another"),
    ],
)
async def test_whatever_differs_in_the_key_is_another_entry(
    cache: ContextCache, other: ContextKey
) -> None:
    await cache.put(KEY, _found(KEY))
    assert await cache.get(other) is None
    await cache.put(other, _found(other, None))
    assert await cache.get(KEY) == _found(KEY)
    assert await cache.get(other) == _found(other, None)


async def test_the_last_one_put_counts(cache: ContextCache) -> None:
    await cache.put(KEY, _found(KEY, Role.OWNER))
    await cache.put(KEY, _found(KEY, None))
    assert await cache.get(KEY) == _found(KEY, None)


async def test_a_space_is_forgotten_whoever_asked_and_no_other_space(cache: ContextCache) -> None:
    keys = [KEY, replace(KEY, epoch=8), replace(KEY, principal=UserId(new_id()))]
    keys.append(replace(KEY, organization_id=None))
    other = replace(KEY, space_id=SpaceId(new_id()))
    for key in (*keys, other):
        await cache.put(key, _found(key))
    assert await cache.forget(SPACE) == len(keys)
    assert [await cache.get(key) for key in keys] == [None] * len(keys)
    assert await cache.get(other) == _found(other)
    assert await cache.forget(SPACE) == 0
