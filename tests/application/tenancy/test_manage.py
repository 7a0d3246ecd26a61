"""Organizations and spaces: made, listed and renamed."""

from dataclasses import replace

import pytest

from application.context import RequestContext, SpaceHeaderMissing
from application.tenancy.manage import ManageTenancy
from domain.errors import InvalidInput
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import ActionNotAllowed, Role
from domain.tenancy.members import ServiceMayNotOwn
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound
from fixtures.house import House, context_of
from fixtures.making import Home, new_home, new_id
from fixtures.people import joined, served
from fixtures.settled import Settled


@pytest.fixture
def settled() -> Settled:
    return Settled()


@pytest.fixture
def manage(house: House, settled: Settled) -> ManageTenancy:
    return ManageTenancy(
        tenancy=house.stores.tenancy,
        directory=house.stores.directory,
        clients=house.stores.clients,
        settle=settled,
        clock=house.clock,
        entropy=house.entropy,
    )


async def test_who_founds_an_organization_owns_it_and_its_spaces(
    house: House, manage: ManageTenancy
) -> None:
    founder = context_of(replace(house.home, owner=UserId(new_id())), None)
    made = await manage.create_organization(founder, display_name=" Nordlys ")
    assert made.display_name == "Nordlys"
    assert await manage.list_organizations(founder) == (made,)
    spaces = [
        await manage.create_space(
            founder, organization_id=made.organization_id, display_name=f"Brand {n}"
        )
        for n in range(2)
    ]
    listed = await manage.list_spaces(founder, organization_id=made.organization_id)
    assert listed == tuple(spaces)
    access = await house.stores.tenancy.access_to(spaces[0].space_id, founder.user_id)
    assert access is not None
    assert access.role is Role.OWNER


async def test_a_stranger_finds_no_organization_and_neither_does_anybody_a_missing_one(
    house: House, manage: ManageTenancy
) -> None:
    stranger = context_of(replace(house.home, owner=UserId(new_id())), None)
    owner = context_of(house.home, None)
    answers = set()
    for who, which in (
        (stranger, house.home.organization),
        (owner, OrganizationId(new_id())),
    ):
        with pytest.raises(OrganizationNotFound) as refusal:
            await manage.list_spaces(who, organization_id=which)
        answers.add(str(refusal.value))
        with pytest.raises(OrganizationNotFound) as refusal:
            await manage.create_space(who, organization_id=which, display_name="Brand")
        answers.add(str(refusal.value))
    assert len(answers) == 1
    assert await manage.list_organizations(stranger) == ()


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
async def test_a_name_that_is_none_is_refused(
    house: House, manage: ManageTenancy, name: str
) -> None:
    owner = context_of(house.home, None)
    with pytest.raises(InvalidInput):
        await manage.create_organization(owner, display_name=name)
    with pytest.raises(InvalidInput):
        await manage.create_space(owner, organization_id=house.home.organization, display_name=name)
    assert len(await manage.list_organizations(owner)) == 1


def _bound(context: RequestContext, organization: OrganizationId) -> RequestContext:
    return replace(context, claims=replace(context.claims, organization_id=organization))


async def _second_home(house: House) -> Home:
    """Another organization of the same owner."""
    other = await new_home(house.stores.tenancy)
    home = replace(other, owner=house.home.owner)
    made = (await house.stores.directory.organizations_of(other.owner))[0]
    await house.stores.tenancy.add_organization(made, home.owner)
    return home


async def test_a_bound_token_sees_one_organization_in_every_call(
    house: House, manage: ManageTenancy
) -> None:
    other = await _second_home(house)
    free = context_of(house.home, None)
    assert len(await manage.list_organizations(free)) == 2
    bound = _bound(free, house.home.organization)
    seen = await manage.list_organizations(bound)
    assert [one.organization_id for one in seen] == [house.home.organization]
    elsewhere = other.organization
    for attempt in (
        manage.list_spaces(bound, organization_id=elsewhere),
        manage.create_space(bound, organization_id=elsewhere, display_name="Brand"),
        manage.update_organization(bound, organization_id=elsewhere, display_name="Mine"),
    ):
        with pytest.raises(OrganizationNotFound):
            await attempt
    assert await manage.list_spaces(free, organization_id=elsewhere)
    assert await manage.list_spaces(bound, organization_id=house.home.organization)


async def test_a_bound_token_founds_an_organization_that_it_does_not_open(
    house: House, manage: ManageTenancy
) -> None:
    bound = _bound(context_of(house.home, None), house.home.organization)
    made = await manage.create_organization(bound, display_name="Second")
    assert made not in await manage.list_organizations(bound)
    with pytest.raises(OrganizationNotFound):
        await manage.list_spaces(bound, organization_id=made.organization_id)
    assert made in await manage.list_organizations(context_of(house.home, None))


async def test_a_service_founds_nothing_and_owns_no_space_that_it_makes(
    house: House, manage: ManageTenancy
) -> None:
    bot = await served(house.stores, house.home, Role.ADMIN)
    context = context_of(replace(house.home, owner=bot), None)
    with pytest.raises(ServiceMayNotOwn):
        await manage.create_organization(context, display_name="Mine")
    made = await manage.create_space(
        context, organization_id=house.home.organization, display_name="Brand"
    )
    access = await house.stores.tenancy.access_to(made.space_id, bot)
    assert access is not None
    assert access.role is Role.ADMIN


async def test_a_token_that_lists_spaces_knows_a_new_one_when_it_is_made(
    house: House, manage: ManageTenancy, settled: Settled
) -> None:
    free = context_of(house.home, None)
    organization = house.home.organization
    await manage.create_space(free, organization_id=organization, display_name="A")
    assert settled.times == 0
    listing = replace(free, claims=replace(free.claims, spaces={}))
    await manage.create_space(listing, organization_id=organization, display_name="B")
    assert settled.times == 1


async def test_a_space_that_comes_moves_the_epochs_of_owners_and_admins_alone(
    house: House, manage: ManageTenancy
) -> None:
    people = [await joined(house.stores, house.home, role) for role in (Role.ADMIN, Role.EDITOR)]
    before = [await house.stores.tenancy.epoch_of(user) for user in people]
    made = await manage.create_space(
        context_of(house.home, None),
        organization_id=house.home.organization,
        display_name="Brand",
    )
    moved = [await house.stores.tenancy.epoch_of(user) for user in people]
    assert [after > epoch for after, epoch in zip(moved, before, strict=True)] == [True, False]
    for user, enters in zip(people, (True, False), strict=True):
        context = context_of(replace(house.home, owner=user), None)
        seen = await manage.list_spaces(context, organization_id=house.home.organization)
        assert (made in seen) is enters


async def test_owners_and_admins_rename_the_organization(
    house: House, manage: ManageTenancy
) -> None:
    organization = house.home.organization
    for role in (Role.ADMIN, Role.EDITOR, Role.REVIEWER, Role.VIEWER):
        user = await joined(house.stores, house.home, role)
        context = context_of(replace(house.home, owner=user), None)
        change = manage.update_organization(
            context, organization_id=organization, display_name=f"By {role.value}"
        )
        if role is Role.ADMIN:
            assert (await change).display_name == "By admin"
            continue
        with pytest.raises(ActionNotAllowed):
            await change
    [seen] = await manage.list_organizations(context_of(house.home, None))
    assert seen.display_name == "By admin"


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
async def test_nothing_is_renamed_to_what_is_no_name(
    house: House, manage: ManageTenancy, name: str
) -> None:
    with pytest.raises(InvalidInput):
        await manage.update_organization(
            context_of(house.home, None),
            organization_id=house.home.organization,
            display_name=name,
        )
    with pytest.raises(InvalidInput):
        await manage.update_space(context_of(house.home), display_name=name)


async def test_a_space_is_renamed_by_whoever_may_edit_its_settings(
    house: House, manage: ManageTenancy
) -> None:
    for role in (Role.EDITOR, Role.REVIEWER, Role.VIEWER):
        with pytest.raises(ActionNotAllowed):
            await manage.update_space(context_of(house.home, role), display_name="Mine")
    renamed = await manage.update_space(context_of(house.home, Role.ADMIN), display_name=" Ours ")
    assert renamed.display_name == "Ours"
    listed = await manage.list_spaces(
        context_of(house.home, None), organization_id=house.home.organization
    )
    assert listed == (renamed,)
    with pytest.raises(SpaceHeaderMissing):
        await manage.update_space(context_of(house.home, None), display_name="Mine")


async def test_a_space_that_is_gone_is_not_renamed(house: House, manage: ManageTenancy) -> None:
    gone = context_of(replace(house.home, space=SpaceId(new_id())))
    with pytest.raises(SpaceNotFound):
        await manage.update_space(gone, display_name="Mine")
