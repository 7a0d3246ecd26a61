"""Members, through the use case: bound tokens, roles, and the wait until everybody knows."""

from collections.abc import Awaitable
from dataclasses import replace

import pytest

from application.context import RequestContext, SpaceHeaderMissing
from application.tenancy.members import ManageMembers
from domain.errors import NotFound
from domain.identifiers import OrganizationId, UserId
from domain.paging import PageRequest
from domain.tenancy.access import ActionNotAllowed, Role
from domain.tenancy.members import LastOwner, MemberNotFound, RoleAboveOwn
from domain.tenancy.organization import OrganizationNotFound
from fixtures.house import House, context_of
from fixtures.making import new_home, new_id
from fixtures.people import joined
from fixtures.settled import Settled

ALL = PageRequest(size=50)


@pytest.fixture
def settled() -> Settled:
    return Settled()


@pytest.fixture
def manage(house: House, settled: Settled) -> ManageMembers:
    return ManageMembers(members=house.stores.members, tenancy=house.stores.tenancy, settle=settled)


def _as(house: House, user: UserId, role: Role | None = None) -> RequestContext:
    return context_of(replace(house.home, owner=user), role)


async def test_every_member_sees_who_else_there_is(house: House, manage: ManageMembers) -> None:
    for role in (Role.ADMIN, Role.EDITOR, Role.REVIEWER, Role.VIEWER):
        user = await joined(house.stores, house.home, role)
        page = await manage.list(
            _as(house, user), organization_id=house.home.organization, page=ALL
        )
        assert {user, house.home.owner} <= {member.user_id for member in page.items}


async def test_a_change_is_answered_when_every_process_knows(
    house: House, manage: ManageMembers, settled: Settled
) -> None:
    ana = await joined(house.stores, house.home, Role.VIEWER)
    owner, inside = context_of(house.home, None), context_of(house.home)
    organization = house.home.organization
    await manage.set(owner, organization_id=organization, user_id=ana, role=Role.EDITOR)
    assert settled.times == 1
    await manage.set_in_space(inside, user_id=ana, role=Role.EDITOR)
    assert settled.times == 2
    await manage.remove_from_space(inside, user_id=ana)
    assert settled.times == 3
    await manage.remove(owner, organization_id=organization, user_id=ana)
    assert settled.times == 4
    with pytest.raises(MemberNotFound):
        await manage.remove(owner, organization_id=organization, user_id=ana)
    assert settled.times == 4


async def test_strangers_missing_organizations_and_bound_tokens_get_one_answer(
    house: House, manage: ManageMembers
) -> None:
    away = await new_home(house.stores.tenancy)
    owner = context_of(house.home, None)
    bound = replace(owner, claims=replace(owner.claims, organization_id=away.organization))
    answers = set()
    for context, organization in (
        (_as(house, UserId(new_id())), house.home.organization),
        (_as(house, away.owner), house.home.organization),
        (owner, OrganizationId(new_id())),
        (bound, house.home.organization),
    ):
        for attempt in _attempts(manage, context, organization, house.home.owner):
            with pytest.raises(OrganizationNotFound) as refusal:
                await attempt
            answers.add((str(refusal.value), refusal.value.reason, refusal.value.field))
    assert len(answers) == 1


def _attempts(
    manage: ManageMembers, context: RequestContext, organization: OrganizationId, user: UserId
) -> tuple[Awaitable[object], ...]:
    return (
        manage.list(context, organization_id=organization, page=ALL),
        manage.set(context, organization_id=organization, user_id=user, role=Role.VIEWER),
        manage.remove(context, organization_id=organization, user_id=user),
    )


@pytest.mark.parametrize("role", [Role.EDITOR, Role.REVIEWER, Role.VIEWER])
async def test_members_without_the_permission_are_told_so(
    house: House, manage: ManageMembers, role: Role
) -> None:
    user = await joined(house.stores, house.home, role, inside=role)
    organization = house.home.organization
    for attempt in (
        manage.set(_as(house, user), organization_id=organization, user_id=user, role=Role.VIEWER),
        manage.remove(_as(house, user), organization_id=organization, user_id=house.home.owner),
        manage.set_in_space(_as(house, user, role), user_id=user, role=Role.VIEWER),
        manage.remove_from_space(_as(house, user, role), user_id=user),
    ):
        with pytest.raises(ActionNotAllowed):
            await attempt
    page = await manage.list_in_space(_as(house, user, role), page=ALL)
    assert {member.user_id for member in page.items} == {house.home.owner, user}


@pytest.mark.parametrize("role", [Role.ADMIN, Role.EDITOR, Role.REVIEWER, Role.VIEWER])
async def test_every_member_may_leave(house: House, manage: ManageMembers, role: Role) -> None:
    user = await joined(house.stores, house.home, role, inside=role)
    organization = house.home.organization
    await manage.remove(_as(house, user), organization_id=organization, user_id=user)
    assert await house.stores.tenancy.role_in(organization, user) is None
    assert await house.stores.tenancy.access_to(house.home.space, user) is None


async def test_a_role_that_was_lost_since_the_token_counts_no_more(
    house: House, manage: ManageMembers
) -> None:
    admin = await joined(house.stores, house.home, Role.ADMIN)
    ana = await joined(house.stores, house.home, Role.VIEWER)
    organization = house.home.organization
    owner = context_of(house.home, None)
    await manage.set(owner, organization_id=organization, user_id=admin, role=Role.VIEWER)
    stale = _as(house, admin, Role.ADMIN)
    with pytest.raises(ActionNotAllowed):
        await manage.remove(stale, organization_id=organization, user_id=ana)
    with pytest.raises(NotFound):
        await manage.set_in_space(stale, user_id=ana, role=Role.VIEWER)


async def test_an_owner_may_leave_when_another_one_stays(
    house: House, manage: ManageMembers
) -> None:
    organization, owner = house.home.organization, context_of(house.home, None)
    ana = await joined(house.stores, house.home, Role.ADMIN)
    with pytest.raises(LastOwner):
        await manage.remove(owner, organization_id=organization, user_id=house.home.owner)
    with pytest.raises(RoleAboveOwn):
        await manage.set(
            _as(house, ana), organization_id=organization, user_id=ana, role=Role.OWNER
        )
    await manage.set(owner, organization_id=organization, user_id=ana, role=Role.OWNER)
    await manage.remove(owner, organization_id=organization, user_id=house.home.owner)
    with pytest.raises(OrganizationNotFound):
        await manage.list(owner, organization_id=organization, page=ALL)


async def test_a_spaces_members_need_a_space(house: House, manage: ManageMembers) -> None:
    nowhere = context_of(house.home, None)
    for attempt in (
        manage.list_in_space(nowhere, page=ALL),
        manage.set_in_space(nowhere, user_id=house.home.owner, role=Role.VIEWER),
        manage.remove_from_space(nowhere, user_id=house.home.owner),
    ):
        with pytest.raises(SpaceHeaderMissing):
            await attempt
