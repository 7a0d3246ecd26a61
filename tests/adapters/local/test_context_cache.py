"""What this process remembers of standings in spaces, and for how long."""

from adapters.local.context_cache import InProcessContextCache
from adapters.memory.clock import FixedClock
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.context_key import CachedAccess, ContextKey, context_key
from fixtures.making import new_id

HOME, SPACE, USER = OrganizationId(new_id()), SpaceId(new_id()), UserId(new_id())
ACCESS = SpaceAccess(organization_id=HOME, space_id=SPACE, role=Role.EDITOR)


def _key(epoch: int) -> ContextKey:
    return context_key(organization=HOME, space=SPACE, principal=USER, epoch=epoch)


def _found(epoch: int) -> CachedAccess:
    return CachedAccess(key=str(_key(epoch)), access=ACCESS)


async def test_an_entry_lives_five_minutes_however_often_it_is_asked_for() -> None:
    clock = FixedClock()
    cache = InProcessContextCache(clock)
    await cache.put(_key(1), _found(1))
    for _ in range(3):
        clock.advance(99.9)
        assert await cache.get(_key(1)) == _found(1)
    clock.advance(0.4)
    assert await cache.get(_key(1)) is None
    await cache.put(_key(1), _found(1))
    assert await cache.get(_key(1)) == _found(1)


async def test_what_was_used_longest_ago_goes_first() -> None:
    cache = InProcessContextCache(FixedClock(), most=2)
    for epoch in (1, 2):
        await cache.put(_key(epoch), _found(epoch))
    assert await cache.get(_key(1)) == _found(1)
    await cache.put(_key(3), _found(3))
    assert await cache.get(_key(2)) is None
    assert await cache.get(_key(1)) == _found(1)
    assert await cache.get(_key(3)) == _found(3)
