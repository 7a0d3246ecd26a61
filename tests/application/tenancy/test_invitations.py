"""Invitations: what can be given, to whom, and what is kept of the token."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application.tenancy.invitations import ManageInvitations
from domain.errors import InvalidInput
from domain.identifiers import InvitationId, OrganizationId, SpaceId, UserId
from domain.paging import PageRequest
from domain.tenancy.access import ActionNotAllowed, Role
from domain.tenancy.invitation import InvitationNotFound, digest_of
from domain.tenancy.members import RoleAboveOwn
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound
from fixtures.house import House, context_of
from fixtures.making import new_home, new_id
from fixtures.people import joined, signed_up

ALL = PageRequest(size=50)


@pytest.fixture
def manage(house: House) -> ManageInvitations:
    return ManageInvitations(
        invitations=house.stores.invitations,
        tenancy=house.stores.tenancy,
        clock=house.clock,
        entropy=house.entropy,
    )


async def test_the_token_is_shown_once_and_lets_its_person_in(
    house: House, manage: ManageInvitations
) -> None:
    owner, home = context_of(house.home, None), house.home
    made, token = await manage.create(
        owner,
        organization_id=home.organization,
        email=" Ana@Example.com ",
        role=Role.VIEWER,
        space_roles={home.space: Role.EDITOR},
    )
    assert made.email == "ana@example.com"
    assert made.inviter == home.owner
    assert made.expire_time - made.create_time == timedelta(days=7)
    assert len(token) == 43
    listed = await manage.list(owner, organization_id=home.organization, page=ALL)
    assert listed.items == (made,)
    assert token not in str(listed)
    ana = await signed_up(house.stores, "ana@example.com")
    await house.stores.members.accept(digest_of(token), ana, house.clock.now())
    access = await house.stores.tenancy.access_to(home.space, ana)
    assert access is not None
    assert access.role is Role.EDITOR


async def test_two_invitations_have_two_tokens(house: House, manage: ManageInvitations) -> None:
    tokens = {
        (
            await manage.create(
                context_of(house.home, None),
                organization_id=house.home.organization,
                email="ana@example.com",
                role=Role.VIEWER,
                space_roles={},
            )
        )[1]
        for _ in range(2)
    }
    assert len(tokens) == 2


async def test_an_invitation_gives_no_more_than_its_inviter_has(
    house: House, manage: ManageInvitations
) -> None:
    admin = await joined(house.stores, house.home, Role.ADMIN)
    context = context_of(replace(house.home, owner=admin), None)
    for role, inside in ((Role.OWNER, Role.VIEWER), (Role.VIEWER, Role.OWNER)):
        with pytest.raises(RoleAboveOwn):
            await manage.create(
                context,
                organization_id=house.home.organization,
                email="ana@example.com",
                role=role,
                space_roles={house.home.space: inside},
            )
    await manage.create(
        context,
        organization_id=house.home.organization,
        email="ana@example.com",
        role=Role.ADMIN,
        space_roles={house.home.space: Role.ADMIN},
    )


async def test_a_foreign_space_and_a_missing_one_answer_alike(
    house: House, manage: ManageInvitations
) -> None:
    away = await new_home(house.stores.tenancy)
    answers = set()
    for space in (away.space, SpaceId(new_id())):
        with pytest.raises(SpaceNotFound) as refusal:
            await manage.create(
                context_of(house.home, None),
                organization_id=house.home.organization,
                email="ana@example.com",
                role=Role.VIEWER,
                space_roles={house.home.space: Role.VIEWER, space: Role.VIEWER},
            )
        answers.add(str(refusal.value))
    assert len(answers) == 1


@pytest.mark.parametrize("email", ["", "ana", "a@b c", "@", "x" * 300 + "@example.com"])
async def test_an_email_that_is_none_is_refused(
    house: House, manage: ManageInvitations, email: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await manage.create(
            context_of(house.home, None),
            organization_id=house.home.organization,
            email=email,
            role=Role.VIEWER,
            space_roles={},
        )
    assert refusal.value.field == "email"


async def test_only_whoever_manages_members_invites_lists_and_revokes(
    house: House, manage: ManageInvitations
) -> None:
    organization = house.home.organization
    stranger = context_of(replace(house.home, owner=UserId(new_id())), None)
    editor = await joined(house.stores, house.home, Role.EDITOR)
    owner = context_of(house.home, None)
    bound = replace(owner, claims=replace(owner.claims, organization_id=OrganizationId(new_id())))
    for context, refused in (
        (stranger, OrganizationNotFound),
        (bound, OrganizationNotFound),
        (context_of(replace(house.home, owner=editor), None), ActionNotAllowed),
    ):
        for attempt in (
            manage.create(
                context,
                organization_id=organization,
                email="ana@example.com",
                role=Role.VIEWER,
                space_roles={},
            ),
            manage.list(context, organization_id=organization, page=ALL),
            manage.revoke(
                context, organization_id=organization, invitation_id=InvitationId(new_id())
            ),
        ):
            with pytest.raises(refused):
                await attempt


async def test_what_is_revoked_lets_nobody_in(house: House, manage: ManageInvitations) -> None:
    owner, organization = context_of(house.home, None), house.home.organization
    made, token = await manage.create(
        owner,
        organization_id=organization,
        email="ana@example.com",
        role=Role.VIEWER,
        space_roles={},
    )
    ana = await signed_up(house.stores, "ana@example.com")
    await manage.revoke(owner, organization_id=organization, invitation_id=made.invitation_id)
    with pytest.raises(InvitationNotFound):
        await house.stores.members.accept(digest_of(token), ana, house.clock.now())
    assert (await manage.list(owner, organization_id=organization, page=ALL)).items == ()
