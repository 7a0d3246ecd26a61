"""SpaceContexts: the nearest place that knows, and nothing older than the epoch."""

from dataclasses import replace

import pytest

from adapters.local.context_cache import InProcessContextCache
from adapters.memory.clock import FixedClock
from application.tenancy.contexts import SpaceContexts
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from fixtures.house import House
from fixtures.making import Home, new_home, new_id
from fixtures.people import joined
from fixtures.stores import Stores


class CountedTenancy:
    """The house's own store, which counts how often it is asked."""

    def __init__(self, stores: Stores) -> None:
        store = stores.tenancy
        self.asked = 0
        self.add_organization = store.add_organization
        self.add_space = store.add_space
        self.role_in = store.role_in
        self.standings_of = store.standings_of
        self.epoch_of = store.epoch_of
        self._access_to = store.access_to

    async def access_to(self, space: SpaceId, user: UserId) -> SpaceAccess | None:
        self.asked += 1
        return await self._access_to(space, user)


@pytest.fixture
def tenancy(house: House) -> CountedTenancy:
    return CountedTenancy(house.stores)


@pytest.fixture
def near() -> InProcessContextCache:
    return InProcessContextCache(FixedClock())


@pytest.fixture
def far() -> InProcessContextCache:
    """What other processes share."""
    return InProcessContextCache(FixedClock())


@pytest.fixture
def contexts(
    tenancy: CountedTenancy, near: InProcessContextCache, far: InProcessContextCache
) -> SpaceContexts:
    return SpaceContexts(tenancy=tenancy, caches=(near, far))


def _owners(home: Home) -> SpaceAccess:
    return SpaceAccess(organization_id=home.organization, space_id=home.space, role=Role.OWNER)


async def test_a_standing_is_looked_up_once_while_the_epoch_stays(
    house: House, contexts: SpaceContexts, tenancy: CountedTenancy
) -> None:
    home = house.home
    for _ in range(3):
        assert await contexts.access(home.owner, 2, home.organization, home.space) == _owners(home)
    assert tenancy.asked == 1


async def test_another_epoch_is_looked_up_anew(
    house: House, contexts: SpaceContexts, tenancy: CountedTenancy
) -> None:
    ana = await joined(house.stores, house.home, Role.VIEWER, inside=Role.EDITOR)
    home = house.home
    before = await house.stores.tenancy.epoch_of(ana)
    found = await contexts.access(ana, before, None, home.space)
    assert found == replace(_owners(home), role=Role.EDITOR)
    await house.stores.members.change_in_space(_owners(home), home.owner, ana, None)
    after = await house.stores.tenancy.epoch_of(ana)
    assert after > before
    assert await contexts.access(ana, after, None, home.space) is None
    assert tenancy.asked == 2


async def test_a_foreign_space_and_a_missing_one_cost_alike(
    house: House, contexts: SpaceContexts, tenancy: CountedTenancy
) -> None:
    away = await new_home(house.stores.tenancy)
    for space in (away.space, SpaceId(new_id())):
        tenancy.asked = 0
        for _ in range(3):
            assert await contexts.access(house.home.owner, 1, None, space) is None
        assert tenancy.asked == 1


async def test_a_token_bound_elsewhere_opens_nothing_here(
    house: House, contexts: SpaceContexts
) -> None:
    home, elsewhere = house.home, OrganizationId(new_id())
    assert await contexts.access(home.owner, 1, elsewhere, home.space) is None
    assert await contexts.access(home.owner, 1, home.organization, home.space) == _owners(home)
    assert await contexts.access(home.owner, 1, None, home.space) == _owners(home)
    assert await contexts.access(home.owner, 1, elsewhere, home.space) is None


async def test_nobody_gets_what_another_one_was_told(house: House, contexts: SpaceContexts) -> None:
    home, stranger = house.home, UserId(new_id())
    assert await contexts.access(home.owner, 1, None, home.space) == _owners(home)
    assert await contexts.access(stranger, 1, None, home.space) is None


async def test_another_process_finds_what_this_one_has_looked_up(
    house: House,
    contexts: SpaceContexts,
    tenancy: CountedTenancy,
    far: InProcessContextCache,
) -> None:
    home, there = house.home, InProcessContextCache(FixedClock())
    other = SpaceContexts(tenancy=tenancy, caches=(there, far))
    await contexts.access(home.owner, 1, None, home.space)
    for _ in range(2):
        assert await other.access(home.owner, 1, None, home.space) == _owners(home)
    assert tenancy.asked == 1
    assert await there.forget(home.space) == 1


async def test_what_is_not_there_is_remembered_in_this_process_alone(
    house: House,
    contexts: SpaceContexts,
    near: InProcessContextCache,
    far: InProcessContextCache,
) -> None:
    missing = SpaceId(new_id())
    await contexts.access(house.home.owner, 1, None, missing)
    assert await near.forget(missing) == 1
    assert await far.forget(missing) == 0


async def test_without_any_cache_the_store_is_asked_each_time(
    house: House, tenancy: CountedTenancy
) -> None:
    contexts = SpaceContexts(tenancy=tenancy, caches=())
    for _ in range(2):
        found = await contexts.access(house.home.owner, 1, None, house.home.space)
        assert found == _owners(house.home)
    assert tenancy.asked == 2
