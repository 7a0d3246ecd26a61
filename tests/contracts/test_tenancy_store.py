"""The contract of `TenancyStore`, on every adapter."""

from dataclasses import replace

import pytest

from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.organization import OrganizationNotFound
from fixtures.making import Home, new_id, organization, space
from fixtures.people import invited, joined, joined_space
from fixtures.stores import Stores


async def test_a_new_organization_belongs_to_its_owner(stores: Stores) -> None:
    owner, made = UserId(new_id()), organization(OrganizationId(new_id()))
    await stores.tenancy.add_organization(made, owner)
    assert await stores.directory.organizations_of(owner) == (made,)
    assert await stores.tenancy.role_in(made.organization_id, owner) is Role.OWNER


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


async def test_the_heads_of_an_organization_are_at_home_in_each_of_its_spaces(
    stores: Stores, home: Home
) -> None:
    standing = SpaceAccess(organization_id=home.organization, space_id=home.space, role=Role.ADMIN)
    admin = await joined(stores, home, Role.ADMIN)
    assert await stores.tenancy.access_to(home.space, admin) == standing
    assert await stores.tenancy.standings_of(admin, None) == (standing,)
    # The stronger of both roles counts.
    await joined_space(stores, home, admin, Role.VIEWER)
    assert await stores.tenancy.access_to(home.space, admin) == standing
    await joined_space(stores, home, admin, Role.OWNER)
    assert await stores.tenancy.access_to(home.space, admin) == replace(standing, role=Role.OWNER)


@pytest.mark.parametrize("role", [Role.EDITOR, Role.REVIEWER, Role.VIEWER])
async def test_other_members_enter_only_the_spaces_that_they_are_members_of(
    stores: Stores, home: Home, role: Role
) -> None:
    user = await joined(stores, home, role)
    assert await stores.tenancy.access_to(home.space, user) is None
    assert await stores.tenancy.standings_of(user, None) == ()
    await joined_space(stores, home, user, Role.ADMIN)
    access = await stores.tenancy.access_to(home.space, user)
    assert access is not None
    assert access.role is Role.ADMIN


async def test_standings_come_oldest_space_first_and_of_one_organization_if_asked(
    stores: Stores, home: Home, away: Home
) -> None:
    ana = await joined(stores, home, Role.ADMIN, email="ana@example.com")
    await invited(stores, away, ana, Role.VIEWER, inside=Role.EDITOR)
    new = space(home.organization, SpaceId(new_id()))
    await stores.tenancy.add_space(new, home.owner)
    everywhere = await stores.tenancy.standings_of(ana, None)
    assert [(s.space_id, s.role) for s in everywhere] == [
        (home.space, Role.ADMIN),
        (away.space, Role.EDITOR),
        (new.space_id, Role.ADMIN),
    ]
    assert await stores.tenancy.standings_of(ana, home.organization) == everywhere[::2]
    assert await stores.tenancy.standings_of(ana, away.organization) == everywhere[1:2]
    assert await stores.tenancy.standings_of(ana, OrganizationId(new_id())) == ()
    for standing in everywhere:
        assert await stores.tenancy.access_to(standing.space_id, ana) == standing


async def test_an_epoch_moves_with_each_change_of_a_standing_and_never_otherwise(
    stores: Stores, home: Home, away: Home
) -> None:
    assert await stores.tenancy.epoch_of(UserId(new_id())) == 0
    ana, ben = [await joined(stores, home, Role.VIEWER) for _ in range(2)]
    bens = await stores.tenancy.epoch_of(ben)
    seen = [await stores.tenancy.epoch_of(ana)]
    assert seen[0] > 0
    await joined_space(stores, home, ana, Role.VIEWER)
    seen.append(await stores.tenancy.epoch_of(ana))
    await stores.members.change(home.organization, home.owner, ana, Role.ADMIN)
    seen.append(await stores.tenancy.epoch_of(ana))
    await stores.tenancy.add_space(space(home.organization, SpaceId(new_id())), home.owner)
    seen.append(await stores.tenancy.epoch_of(ana))
    await stores.members.change(home.organization, home.owner, ana, None)
    seen.append(await stores.tenancy.epoch_of(ana))
    assert seen == sorted(set(seen))
    assert await stores.tenancy.epoch_of(ben) == bens
    await stores.tenancy.add_space(space(away.organization, SpaceId(new_id())), away.owner)
    assert await stores.tenancy.epoch_of(ana) == seen[-1]
