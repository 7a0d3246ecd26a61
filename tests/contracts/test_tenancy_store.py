"""The contract of `TenancyStore`, on every adapter."""

import pytest

from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.organization import OrganizationNotFound
from fixtures.making import Home, new_id, organization, space
from fixtures.stores import Stores


async def test_a_new_organization_belongs_to_its_owner(stores: Stores) -> None:
    owner, made = UserId(new_id()), organization(OrganizationId(new_id()))
    await stores.tenancy.add_organization(made, owner)
    assert await stores.directory.organizations_of(owner) == (made,)
    assert await stores.tenancy.role_in(made.organization_id, owner) is Role.OWNER


async def test_organizations_come_oldest_first(stores: Stores) -> None:
    owner = UserId(new_id())
    made = [organization(OrganizationId(new_id())) for _ in range(3)]
    for one in (made[1], made[2], made[0]):
        await stores.tenancy.add_organization(one, owner)
    assert await stores.directory.organizations_of(owner) == tuple(made)


async def test_a_stranger_sees_no_organization_and_no_space(stores: Stores, home: Home) -> None:
    stranger = UserId(new_id())
    assert await stores.directory.organizations_of(stranger) == ()
    assert await stores.directory.spaces_of(home.organization, stranger) == ()
    assert await stores.tenancy.role_in(home.organization, stranger) is None
    assert await stores.tenancy.access_to(home.space, stranger) is None


async def test_what_does_not_exist_gives_no_standing(stores: Stores, home: Home) -> None:
    assert await stores.tenancy.role_in(OrganizationId(new_id()), home.owner) is None
    assert await stores.tenancy.access_to(SpaceId(new_id()), home.owner) is None
    assert await stores.directory.spaces_of(OrganizationId(new_id()), home.owner) == ()


async def test_the_owner_of_a_space_may_enter_it(stores: Stores, home: Home) -> None:
    assert await stores.tenancy.access_to(home.space, home.owner) == SpaceAccess(
        organization_id=home.organization, space_id=home.space, role=Role.OWNER
    )


async def test_spaces_come_oldest_first_and_from_one_organization(stores: Stores) -> None:
    owner = UserId(new_id())
    first, second = OrganizationId(new_id()), OrganizationId(new_id())
    for one in (first, second):
        await stores.tenancy.add_organization(organization(one), owner)
    made = [space(first, SpaceId(new_id())) for _ in range(3)]
    for new in (made[2], space(second, SpaceId(new_id())), made[0], made[1]):
        await stores.tenancy.add_space(new, owner)
    assert await stores.directory.spaces_of(first, owner) == tuple(made)


async def test_no_space_without_its_organization(stores: Stores, home: Home) -> None:
    new = space(OrganizationId(new_id()), SpaceId(new_id()))
    with pytest.raises(OrganizationNotFound):
        await stores.tenancy.add_space(new, home.owner)
    assert await stores.tenancy.access_to(new.space_id, home.owner) is None


async def test_a_foreign_organization_answers_like_a_missing_one(
    stores: Stores, home: Home, away: Home
) -> None:
    with pytest.raises(OrganizationNotFound) as missing:
        await stores.tenancy.add_space(
            space(OrganizationId(new_id()), SpaceId(new_id())), home.owner
        )
    with pytest.raises(OrganizationNotFound) as foreign:
        await stores.tenancy.add_space(space(away.organization, SpaceId(new_id())), home.owner)
    assert str(foreign.value) == str(missing.value)
    assert len(await stores.directory.spaces_of(away.organization, away.owner)) == 1
