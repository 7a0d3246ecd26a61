"""The contract of `TenantDirectory`, on every adapter."""

from dataclasses import replace

import pytest

from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound
from fixtures.making import Home, new_id, organization, space
from fixtures.people import joined, joined_space
from fixtures.stores import Stores


async def test_organizations_come_oldest_first(stores: Stores) -> None:
    owner = UserId(new_id())
    made = [organization(OrganizationId(new_id())) for _ in range(3)]
    for one in (made[1], made[2], made[0]):
        await stores.tenancy.add_organization(one, owner)
    assert await stores.directory.organizations_of(owner) == tuple(made)


async def test_spaces_come_oldest_first_and_from_one_organization(stores: Stores) -> None:
    owner = UserId(new_id())
    first, second = OrganizationId(new_id()), OrganizationId(new_id())
    for one in (first, second):
        await stores.tenancy.add_organization(organization(one), owner)
    made = [space(first, SpaceId(new_id())) for _ in range(3)]
    for new in (made[2], space(second, SpaceId(new_id())), made[0], made[1]):
        await stores.tenancy.add_space(new, owner)
    assert await stores.directory.spaces_of(first, owner) == tuple(made)


async def test_owners_and_admins_see_every_space_and_others_their_own(
    stores: Stores, home: Home
) -> None:
    admin = await joined(stores, home, Role.ADMIN)
    viewer = await joined(stores, home, Role.VIEWER)
    stranger = UserId(new_id())
    new = space(home.organization, SpaceId(new_id()))
    await stores.tenancy.add_space(new, admin)
    await joined_space(stores, home, viewer, Role.VIEWER)
    for user, seen in (
        (home.owner, [home.space, new.space_id]),
        (admin, [home.space, new.space_id]),
        (viewer, [home.space]),
        (stranger, []),
    ):
        listed = await stores.directory.spaces_of(home.organization, user)
        assert [one.space_id for one in listed] == seen
    [mine] = await stores.directory.organizations_of(viewer)
    assert mine.organization_id == home.organization


async def test_an_organization_is_renamed_and_no_other_one(
    stores: Stores, home: Home, away: Home
) -> None:
    renamed = await stores.directory.rename_organization(home.organization, "Sørlys")
    assert renamed == replace(organization(home.organization), display_name="Sørlys")
    assert await stores.directory.organizations_of(home.owner) == (renamed,)
    [other] = await stores.directory.organizations_of(away.owner)
    assert other.display_name == "Nordlys"
    with pytest.raises(OrganizationNotFound):
        await stores.directory.rename_organization(OrganizationId(new_id()), "Nobody's")


async def test_a_space_is_renamed_within_its_organization_alone(
    stores: Stores, home: Home, away: Home
) -> None:
    renamed = await stores.directory.rename_space(home.organization, home.space, "Sørlys")
    assert renamed == replace(space(home.organization, home.space), display_name="Sørlys")
    assert await stores.directory.spaces_of(home.organization, home.owner) == (renamed,)
    answers = set()
    for place in (away.space, SpaceId(new_id())):
        with pytest.raises(SpaceNotFound) as refusal:
            await stores.directory.rename_space(home.organization, place, "Mine")
        answers.add(str(refusal.value))
    assert len(answers) == 1
    [other] = await stores.directory.spaces_of(away.organization, away.owner)
    assert other.display_name == "Brand"
