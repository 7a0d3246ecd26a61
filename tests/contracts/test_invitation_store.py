"""The contract of `InvitationStore`, on every adapter."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.identifiers import InvitationId, OrganizationId
from domain.paging import PageRequest
from domain.tenancy.access import Role
from domain.tenancy.invitation import (
    MAX_OPEN_INVITATIONS,
    InvitationNotFound,
    TooManyInvitations,
    digest_of,
)
from fixtures.making import NOON, Home, new_id
from fixtures.people import an_invitation, signed_up
from fixtures.stores import Stores

ALL = PageRequest(size=50)


async def test_open_invitations_come_newest_first_in_pages(stores: Stores, home: Home) -> None:
    made = [an_invitation(home, f"{n}@example.com", Role.EDITOR) for n in range(3)]
    for n, one in enumerate(made):
        await stores.invitations.add(one, digest_of(str(n)))
    first = await stores.invitations.list_open(home.organization, NOON, PageRequest(size=2))
    rest = await stores.invitations.list_open(
        home.organization, NOON, PageRequest(size=2, after=first.next_after)
    )
    assert first.items + rest.items == tuple(reversed(made))
    assert rest.next_after is None


async def test_an_invitation_comes_back_as_it_was_made(stores: Stores, home: Home) -> None:
    made = an_invitation(home, "ana@example.com", Role.ADMIN, {home.space: Role.REVIEWER})
    await stores.invitations.add(made, digest_of("a"))
    page = await stores.invitations.list_open(home.organization, NOON, ALL)
    assert page.items == (made,)


async def test_only_what_can_still_be_accepted_is_open(stores: Stores, home: Home) -> None:
    used, revoked, left = (
        an_invitation(home, "ana@example.com"),
        an_invitation(home, "ben@example.com"),
        an_invitation(home, "cleo@example.com"),
    )
    for one in (used, revoked, left):
        await stores.invitations.add(one, digest_of(one.email))
    ana = await signed_up(stores, "ana@example.com")
    await stores.members.accept(digest_of("ana@example.com"), ana, NOON)
    await stores.invitations.revoke(home.organization, revoked.invitation_id, NOON)
    assert (await stores.invitations.list_open(home.organization, NOON, ALL)).items == (left,)
    late = NOON + timedelta(days=7)
    assert (await stores.invitations.list_open(home.organization, late, ALL)).items == ()


async def test_a_revoked_invitation_lets_nobody_in(stores: Stores, home: Home) -> None:
    made = an_invitation(home, "ana@example.com")
    await stores.invitations.add(made, digest_of("a"))
    ana = await signed_up(stores, "ana@example.com")
    await stores.invitations.revoke(home.organization, made.invitation_id, NOON)
    with pytest.raises(InvitationNotFound):
        await stores.members.accept(digest_of("a"), ana, NOON)
    with pytest.raises(InvitationNotFound):
        await stores.invitations.revoke(home.organization, made.invitation_id, NOON)


async def test_a_foreign_invitation_and_a_missing_one_answer_alike(
    stores: Stores, home: Home, away: Home
) -> None:
    made = an_invitation(away, "ana@example.com")
    await stores.invitations.add(made, digest_of("a"))
    answers = set()
    for invitation in (made.invitation_id, InvitationId(new_id())):
        with pytest.raises(InvitationNotFound) as refusal:
            await stores.invitations.revoke(home.organization, invitation, NOON)
        answers.add(str(refusal.value))
    assert len(answers) == 1
    assert (await stores.invitations.list_open(home.organization, NOON, ALL)).items == ()
    missing = OrganizationId(new_id())
    assert (await stores.invitations.list_open(missing, NOON, ALL)).items == ()
    assert (await stores.invitations.list_open(away.organization, NOON, ALL)).items == (made,)


async def test_an_organization_has_so_many_open_invitations(
    stores: Stores, home: Home, away: Home
) -> None:
    made = [an_invitation(home, f"{n}@example.com") for n in range(MAX_OPEN_INVITATIONS)]
    for n, one in enumerate(made):
        await stores.invitations.add(one, digest_of(str(n)))
    more = an_invitation(home, "more@example.com")
    with pytest.raises(TooManyInvitations, match="200"):
        await stores.invitations.add(more, digest_of("more"))
    await stores.invitations.add(an_invitation(away, "more@example.com"), digest_of("away"))
    await stores.invitations.revoke(home.organization, made[0].invitation_id, NOON)
    await stores.invitations.add(more, digest_of("more"))
    later = NOON + timedelta(days=8)
    late = replace(more, invitation_id=InvitationId(new_id()), create_time=later)
    await stores.invitations.add(late, digest_of("late"))
