"""The contract of `MemberStore`, on every adapter."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.postgres.pool import Pool
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.paging import PageRequest
from domain.tenancy.access import ActionNotAllowed, Role, SpaceAccess
from domain.tenancy.invitation import InvitationNotFound, digest_of
from domain.tenancy.members import (
    LastOwner,
    Member,
    MemberNotFound,
    RoleAboveOwn,
    ServiceMayNotOwn,
)
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound
from fixtures.making import NOON, Home, new_home, new_id, space
from fixtures.people import an_invitation, invited, joined, served, signed_up
from fixtures.postgres import SharedDatabase
from fixtures.stores import Stores, postgres_stores

ALL = PageRequest(size=50)
TOKEN = digest_of("a token")


async def _roles(stores: Stores, home: Home) -> dict[UserId, Role]:
    page = await stores.members.members(home.organization, ALL)
    return {member.user_id: member.role for member in page.items}


def _space(home: Home) -> SpaceAccess:
    return SpaceAccess(organization_id=home.organization, space_id=home.space, role=Role.OWNER)


async def test_members_come_by_id_in_pages_with_their_names(stores: Stores, home: Home) -> None:
    ana = await joined(stores, home, Role.EDITOR, email="ana@example.com", name="Ana")
    bot = await served(stores, home, Role.VIEWER, name="Importer")
    first = await stores.members.members(home.organization, PageRequest(size=2))
    rest = await stores.members.members(
        home.organization, PageRequest(size=2, after=first.next_after)
    )
    assert rest.next_after is None
    listed = first.items + rest.items
    assert [one.user_id for one in listed] == sorted([home.owner, ana, bot])
    assert {one for one in listed if one.user_id != home.owner} == {
        Member(
            user_id=ana,
            email="ana@example.com",
            display_name="Ana",
            role=Role.EDITOR,
            service=False,
        ),
        Member(user_id=bot, email="", display_name="Importer", role=Role.VIEWER, service=True),
    }


async def test_another_organizations_members_are_not_listed(
    stores: Stores, home: Home, away: Home
) -> None:
    await joined(stores, away, Role.EDITOR)
    assert set(await _roles(stores, home)) == {home.owner}
    missing = await stores.members.members(OrganizationId(new_id()), ALL)
    assert missing.items == ()
    foreign = replace(_space(home), space_id=away.space)
    assert (await stores.members.space_members(foreign, ALL)).items == ()


async def test_a_role_is_changed_and_the_epoch_moves(stores: Stores, home: Home) -> None:
    ana = await joined(stores, home, Role.VIEWER)
    before = await stores.tenancy.epoch_of(ana)
    changed = await stores.members.change(home.organization, home.owner, ana, Role.ADMIN)
    assert (changed.user_id, changed.role) == (ana, Role.ADMIN)
    assert await stores.tenancy.role_in(home.organization, ana) is Role.ADMIN
    assert await stores.tenancy.epoch_of(ana) > before


async def test_who_is_removed_is_gone_from_every_space_at_once(stores: Stores, home: Home) -> None:
    ana = await joined(stores, home, Role.EDITOR, inside=Role.EDITOR)
    other = space(home.organization, SpaceId(new_id()))
    await stores.tenancy.add_space(other, home.owner)
    access = replace(_space(home), space_id=other.space_id)
    await stores.members.change_in_space(access, home.owner, ana, Role.VIEWER)
    assert len(await stores.tenancy.standings_of(ana, None)) == 2
    before = await stores.tenancy.epoch_of(ana)
    gone = await stores.members.change(home.organization, home.owner, ana, None)
    assert (gone.user_id, gone.role) == (ana, Role.EDITOR)
    assert await stores.tenancy.role_in(home.organization, ana) is None
    assert await stores.tenancy.standings_of(ana, None) == ()
    assert await stores.tenancy.epoch_of(ana) > before
    assert {m.user_id for m in (await stores.members.space_members(_space(home), ALL)).items} == {
        home.owner
    }
    # Whoever comes back starts anew.
    await invited(stores, home, ana, Role.VIEWER)
    assert await stores.tenancy.standings_of(ana, None) == ()


async def test_a_service_that_is_removed_is_revoked(stores: Stores, home: Home) -> None:
    bot = await served(stores, home, Role.EDITOR)
    await stores.members.change(home.organization, home.owner, bot, None)
    known = await stores.clients.client_by_id(bot)
    assert known is not None
    assert known.client.revoked


@pytest.mark.parametrize("role", [Role.VIEWER, None])
async def test_the_last_owner_stays(stores: Stores, home: Home, role: Role | None) -> None:
    with pytest.raises(LastOwner):
        await stores.members.change(home.organization, home.owner, home.owner, role)
    assert await _roles(stores, home) == {home.owner: Role.OWNER}


async def test_an_owner_who_is_disabled_does_not_count_as_one(stores: Stores, home: Home) -> None:
    other = await joined(stores, home, Role.ADMIN)
    await stores.members.change(home.organization, home.owner, other, Role.OWNER)
    await stores.sessions.revoke_user(other, disable=True, now=NOON)
    with pytest.raises(LastOwner):
        await stores.members.change(home.organization, home.owner, home.owner, None)
    gone = await stores.members.change(home.organization, home.owner, other, None)
    assert gone.user_id == other


async def test_whoever_is_no_more_than_a_member_may_leave(stores: Stores, home: Home) -> None:
    viewer = await joined(stores, home, Role.VIEWER, inside=Role.EDITOR)
    with pytest.raises(ActionNotAllowed):
        await stores.members.change(home.organization, viewer, viewer, Role.VIEWER)
    left = await stores.members.change(home.organization, viewer, viewer, None)
    assert left.user_id == viewer
    assert set(await _roles(stores, home)) == {home.owner}
    assert await stores.tenancy.standings_of(viewer, None) == ()
    with pytest.raises(OrganizationNotFound):
        await stores.members.change(home.organization, viewer, viewer, None)


async def test_an_inviter_who_is_removed_at_the_same_moment_gives_nothing(
    pool: Pool, shared_database: SharedDatabase
) -> None:
    stores = postgres_stores(pool)
    home = await new_home(stores.tenancy)
    admin = await joined(stores, home, Role.ADMIN)
    ana = await signed_up(stores, "ana@example.com")
    made = replace(an_invitation(home, "ana@example.com", Role.ADMIN), inviter=admin)
    await stores.invitations.add(made, TOKEN)
    connection = shared_database.superuser
    async with connection.transaction():
        # Somebody removes the inviter, and has not committed yet.
        await connection.execute(_LOCK, home.organization)
        await connection.execute(_REMOVE, home.organization, admin)
        accepting = asyncio.ensure_future(stores.members.accept(TOKEN, ana, NOON))
        await asyncio.sleep(0.2)
        assert not accepting.done()
    with pytest.raises(InvitationNotFound):
        await accepting
    assert await stores.tenancy.role_in(home.organization, ana) is None


async def test_two_owners_who_remove_each_other_at_once_leave_one(
    stores: Stores, home: Home
) -> None:
    owner = home.owner
    for _ in range(4):
        other = await joined(stores, replace(home, owner=owner), Role.ADMIN)
        await stores.members.change(home.organization, owner, other, Role.OWNER)
        outcomes = await asyncio.gather(
            stores.members.change(home.organization, owner, other, None),
            stores.members.change(home.organization, other, owner, None),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, Member) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, OrganizationNotFound) for outcome in outcomes) == 1
        [(owner, role)] = (await _roles(stores, home)).items()
        assert role is Role.OWNER


async def test_only_owners_make_and_unmake_owners(stores: Stores, home: Home) -> None:
    admin = await joined(stores, home, Role.ADMIN)
    editor = await joined(stores, home, Role.EDITOR)
    for user, role in ((home.owner, Role.VIEWER), (home.owner, None), (editor, Role.OWNER)):
        with pytest.raises(RoleAboveOwn):
            await stores.members.change(home.organization, admin, user, role)
    with pytest.raises(RoleAboveOwn):
        await stores.members.change(home.organization, admin, admin, Role.OWNER)
    await stores.members.change(home.organization, admin, editor, Role.ADMIN)
    assert await _roles(stores, home) == {
        home.owner: Role.OWNER,
        admin: Role.ADMIN,
        editor: Role.ADMIN,
    }


async def test_a_service_never_owns(stores: Stores, home: Home) -> None:
    bot = await served(stores, home, Role.VIEWER)
    with pytest.raises(ServiceMayNotOwn):
        await stores.members.change(home.organization, home.owner, bot, Role.OWNER)
    with pytest.raises(ServiceMayNotOwn):
        await stores.members.change_in_space(_space(home), home.owner, bot, Role.OWNER)


async def test_members_without_the_permission_change_nothing(stores: Stores, home: Home) -> None:
    editor = await joined(stores, home, Role.EDITOR, inside=Role.EDITOR)
    viewer = await joined(stores, home, Role.VIEWER)
    with pytest.raises(ActionNotAllowed):
        await stores.members.change(home.organization, editor, viewer, None)
    with pytest.raises(ActionNotAllowed):
        await stores.members.change_in_space(_space(home), editor, viewer, Role.VIEWER)
    # Who may not enter the space learns less.
    with pytest.raises(SpaceNotFound):
        await stores.members.change_in_space(_space(home), viewer, viewer, Role.VIEWER)


async def test_a_stranger_and_a_missing_organization_answer_alike(
    stores: Stores, home: Home, away: Home
) -> None:
    answers = set()
    for organization in (home.organization, OrganizationId(new_id())):
        with pytest.raises(OrganizationNotFound) as refusal:
            await stores.members.change(organization, away.owner, home.owner, None)
        answers.add(str(refusal.value))
    assert len(answers) == 1


async def test_somebody_elsewhere_and_nobody_answer_alike(
    stores: Stores, home: Home, away: Home
) -> None:
    answers = set()
    for user in (away.owner, UserId(new_id())):
        for role in (Role.VIEWER, None):
            with pytest.raises(MemberNotFound) as refusal:
                await stores.members.change(home.organization, home.owner, user, role)
            answers.add(str(refusal.value))
            with pytest.raises(MemberNotFound) as refusal:
                await stores.members.change_in_space(_space(home), home.owner, user, role)
            answers.add(str(refusal.value))
    assert len(answers) == 1
    assert await _roles(stores, away) == {away.owner: Role.OWNER}


async def test_a_member_of_the_organization_comes_into_a_space_and_leaves_it(
    stores: Stores, home: Home
) -> None:
    ana = await joined(stores, home, Role.VIEWER)
    assert await stores.tenancy.access_to(home.space, ana) is None
    for role in (Role.VIEWER, Role.EDITOR):
        before = await stores.tenancy.epoch_of(ana)
        changed = await stores.members.change_in_space(_space(home), home.owner, ana, role)
        assert changed.role is role
        assert await stores.tenancy.access_to(home.space, ana) == replace(_space(home), role=role)
        assert await stores.tenancy.epoch_of(ana) > before
    left = await stores.members.change_in_space(_space(home), home.owner, ana, None)
    assert left.role is Role.EDITOR
    assert await stores.tenancy.access_to(home.space, ana) is None
    with pytest.raises(MemberNotFound):
        await stores.members.change_in_space(_space(home), home.owner, ana, None)
    assert (await _roles(stores, home))[ana] is Role.VIEWER


async def test_an_admin_of_a_space_does_not_touch_its_owner(stores: Stores, home: Home) -> None:
    admin = await joined(stores, home, Role.VIEWER, inside=Role.ADMIN)
    viewer = await joined(stores, home, Role.VIEWER)
    for user, role in ((home.owner, Role.VIEWER), (home.owner, None), (viewer, Role.OWNER)):
        with pytest.raises(RoleAboveOwn):
            await stores.members.change_in_space(_space(home), admin, user, role)
    await stores.members.change_in_space(_space(home), admin, viewer, Role.ADMIN)


async def test_a_space_of_another_organization_has_no_members_here(
    stores: Stores, home: Home, away: Home
) -> None:
    ana = await joined(stores, home, Role.VIEWER)
    for place in (away.space, SpaceId(new_id())):
        access = replace(_space(home), space_id=place)
        with pytest.raises(SpaceNotFound):
            await stores.members.change_in_space(access, home.owner, ana, Role.VIEWER)
    assert await stores.tenancy.standings_of(ana, None) == ()


async def test_whoever_accepts_has_the_roles_of_the_invitation(stores: Stores, home: Home) -> None:
    ana = await signed_up(stores, "ana@example.com")
    made = an_invitation(home, "ana@example.com", Role.VIEWER, {home.space: Role.EDITOR})
    await stores.invitations.add(made, TOKEN)
    assert await stores.members.invitation(TOKEN, NOON) == made
    assert await stores.members.accept(TOKEN, ana, NOON) == made
    assert await stores.tenancy.role_in(home.organization, ana) is Role.VIEWER
    assert await stores.tenancy.access_to(home.space, ana) == replace(
        _space(home), role=Role.EDITOR
    )
    assert await stores.tenancy.epoch_of(ana) > 0


async def test_an_invitation_works_once_also_at_once(stores: Stores, home: Home) -> None:
    ana = await signed_up(stores, "ana@example.com")
    await stores.invitations.add(an_invitation(home, "ana@example.com"), TOKEN)
    outcomes = await asyncio.gather(
        *(stores.members.accept(TOKEN, ana, NOON) for _ in range(4)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, InvitationNotFound)]
    assert len(refused) == 3
    with pytest.raises(InvitationNotFound):
        await stores.members.invitation(TOKEN, NOON)


async def test_an_invitation_ends_after_seven_days(stores: Stores, home: Home) -> None:
    ana = await signed_up(stores, "ana@example.com")
    await stores.invitations.add(an_invitation(home, "ana@example.com"), TOKEN)
    late = NOON + timedelta(days=7)
    for attempt in (
        stores.members.invitation(TOKEN, late),
        stores.members.accept(TOKEN, ana, late),
    ):
        with pytest.raises(InvitationNotFound):
            await attempt
    await stores.members.accept(TOKEN, ana, late - timedelta(seconds=1))


async def test_an_invitation_is_for_one_email(stores: Stores, home: Home) -> None:
    eve = await signed_up(stores, "eve@example.com")
    await stores.invitations.add(an_invitation(home, "ana@example.com"), TOKEN)
    for user in (eve, UserId(new_id()), await served(stores, home, Role.VIEWER)):
        with pytest.raises(InvitationNotFound):
            await stores.members.accept(TOKEN, user, NOON)
    assert await stores.tenancy.role_in(home.organization, eve) is None
    await stores.members.invitation(TOKEN, NOON)


async def test_a_disabled_account_accepts_nothing(stores: Stores, home: Home) -> None:
    ana = await signed_up(stores, "ana@example.com", disabled=True)
    await stores.invitations.add(an_invitation(home, "ana@example.com"), TOKEN)
    with pytest.raises(InvitationNotFound):
        await stores.members.accept(TOKEN, ana, NOON)


async def test_an_invitation_weakens_nobody(stores: Stores, home: Home) -> None:
    ana = await joined(stores, home, Role.ADMIN, email="ana@example.com", inside=Role.EDITOR)
    weak = an_invitation(home, "ana@example.com", Role.VIEWER, {home.space: Role.VIEWER})
    await stores.invitations.add(weak, TOKEN)
    await stores.members.accept(TOKEN, ana, NOON)
    assert (await _roles(stores, home))[ana] is Role.ADMIN
    page = await stores.members.space_members(_space(home), ALL)
    assert {m.user_id: m.role for m in page.items}[ana] is Role.EDITOR


@pytest.mark.parametrize("fate", [Role.EDITOR, None])
async def test_what_the_inviter_could_not_give_today_is_not_given(
    stores: Stores, home: Home, fate: Role | None
) -> None:
    admin = await joined(stores, home, Role.ADMIN)
    ana = await signed_up(stores, "ana@example.com")
    made = replace(an_invitation(home, "ana@example.com", Role.ADMIN), inviter=admin)
    await stores.invitations.add(made, TOKEN)
    await stores.members.change(home.organization, home.owner, admin, fate)
    with pytest.raises(InvitationNotFound):
        await stores.members.accept(TOKEN, ana, NOON)
    assert await stores.tenancy.role_in(home.organization, ana) is None


async def test_a_space_that_is_gone_is_passed_over(stores: Stores, home: Home) -> None:
    ana = await signed_up(stores, "ana@example.com")
    roles = {home.space: Role.VIEWER, SpaceId(new_id()): Role.EDITOR}
    await stores.invitations.add(an_invitation(home, "ana@example.com", Role.VIEWER, roles), TOKEN)
    await stores.members.accept(TOKEN, ana, NOON)
    standings = await stores.tenancy.standings_of(ana, None)
    assert [standing.space_id for standing in standings] == [home.space]


_LOCK = "select from obelisk.organizations where organization_id = $1 for no key update"
_REMOVE = "delete from obelisk.organization_members where organization_id = $1 and user_id = $2"
