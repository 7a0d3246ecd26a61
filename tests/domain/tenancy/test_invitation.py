"""What can be given by an invitation, and what is left of it on the day it is accepted."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput, ObeliskError
from domain.identifiers import InvitationId, OrganizationId, SpaceId, UserId
from domain.tenancy.access import Action, ActionNotAllowed, Role, outranks
from domain.tenancy.invitation import (
    LIFETIME,
    MAX_SPACE_ROLES,
    Invitation,
    InvitationNotFound,
    check_grant,
    digest_of,
    given_today,
    space_roles_of,
)
from domain.tenancy.members import RoleAboveOwn
from domain.tenancy.space import SpaceNotFound

NOW = datetime(2026, 5, 4, tzinfo=UTC)
HERE, THERE, GONE = (SpaceId(UUID(int=n)) for n in range(3))
INVITATION = Invitation(
    invitation_id=InvitationId(UUID(int=9)),
    organization_id=OrganizationId(UUID(int=8)),
    email="ana@example.com",
    role=Role.VIEWER,
    space_roles={},
    inviter=UserId(UUID(int=7)),
    create_time=NOW,
    expire_time=NOW + LIFETIME,
)
roles = st.sampled_from(Role)
space_roles = st.dictionaries(st.sampled_from((HERE, THERE, GONE)), roles)


def test_an_invitation_lives_seven_days() -> None:
    assert LIFETIME.total_seconds() == 7 * 24 * 3600


def test_a_secret_is_kept_as_its_sha_256() -> None:
    expected = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    assert digest_of("secret").hex() == expected


def test_roles_in_spaces_are_read_one_by_one() -> None:
    assert space_roles_of([]) == {}
    pairs = [(HERE, Role.VIEWER), (THERE, Role.ADMIN)]
    assert space_roles_of(iter(pairs)) == dict(pairs)


def test_a_space_stands_once_in_an_invitation() -> None:
    with pytest.raises(InvalidInput, match=r"^space_roles names a space twice$") as refusal:
        space_roles_of([(HERE, Role.VIEWER), (HERE, Role.VIEWER)])
    assert refusal.value.field == "space_roles"


def test_an_invitation_names_a_hundred_spaces_at_most() -> None:
    pairs = [(SpaceId(UUID(int=n)), Role.VIEWER) for n in range(MAX_SPACE_ROLES + 1)]
    assert MAX_SPACE_ROLES == 100
    assert len(space_roles_of(pairs[:-1])) == MAX_SPACE_ROLES
    with pytest.raises(InvalidInput, match="101 entries; at most 100") as refusal:
        space_roles_of(pairs)
    assert refusal.value.field == "space_roles"


@pytest.mark.parametrize(
    ("giver", "standings", "role", "given_roles", "refused"),
    [
        (Role.OWNER, {}, Role.OWNER, {}, None),
        (Role.ADMIN, {}, Role.ADMIN, {}, None),
        (Role.ADMIN, {}, Role.OWNER, {}, RoleAboveOwn),
        (Role.EDITOR, {}, Role.VIEWER, {}, ActionNotAllowed),
        (Role.OWNER, {}, Role.VIEWER, {HERE: Role.VIEWER}, SpaceNotFound),
        (Role.OWNER, {THERE: Role.OWNER}, Role.VIEWER, {HERE: Role.VIEWER}, SpaceNotFound),
        (Role.ADMIN, {HERE: Role.ADMIN}, Role.VIEWER, {HERE: Role.ADMIN}, None),
        (Role.ADMIN, {HERE: Role.ADMIN}, Role.VIEWER, {HERE: Role.OWNER}, RoleAboveOwn),
        (Role.ADMIN, {HERE: Role.OWNER}, Role.VIEWER, {HERE: Role.OWNER}, None),
    ],
)
def test_what_can_be_given(
    giver: Role,
    standings: dict[SpaceId, Role],
    role: Role,
    given_roles: dict[SpaceId, Role],
    refused: type[ObeliskError] | None,
) -> None:
    def attempt() -> None:
        check_grant(
            giver=giver,
            action=Action.MANAGE_MEMBERS,
            standings=standings,
            role=role,
            space_roles=given_roles,
        )

    if refused is None:
        attempt()
        return
    with pytest.raises(refused):
        attempt()


def test_what_is_given_needs_the_action_that_is_asked_for() -> None:
    with pytest.raises(ActionNotAllowed) as refusal:
        check_grant(
            giver=Role.ADMIN,
            action=Action.DELETE_ORGANIZATION,
            standings={},
            role=Role.VIEWER,
            space_roles={},
        )
    assert refusal.value.metadata["action"] == "delete_organization"


@given(giver=roles, role=roles, standings=space_roles, wanted=space_roles)
def test_nobody_ever_gives_more_than_they_have(
    giver: Role, role: Role, standings: dict[SpaceId, Role], wanted: dict[SpaceId, Role]
) -> None:
    invitation = replace(INVITATION, role=role, space_roles=wanted)
    try:
        left = given_today(invitation, giver, standings)
    except InvitationNotFound:
        kept = {space: inside for space, inside in wanted.items() if space in standings}
        assert (
            giver not in (Role.OWNER, Role.ADMIN)
            or outranks(role, giver)
            or any(outranks(inside, standings[space]) for space, inside in kept.items())
        )
        return
    assert giver in (Role.OWNER, Role.ADMIN)
    assert not outranks(role, giver)
    assert left == {space: inside for space, inside in wanted.items() if space in standings}
    assert not any(outranks(inside, standings[space]) for space, inside in left.items())


def test_a_space_that_is_gone_is_passed_over() -> None:
    wanted = {HERE: Role.VIEWER, GONE: Role.OWNER}
    invitation = replace(INVITATION, space_roles=wanted)
    standings = {HERE: Role.ADMIN, THERE: Role.ADMIN}
    assert given_today(invitation, Role.ADMIN, standings) == {HERE: Role.VIEWER}
