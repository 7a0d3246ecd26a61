"""Who may change whose role: the verdicts, case by case and for every case there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ObeliskError
from domain.tenancy.access import Action, ActionNotAllowed, Role, outranks
from domain.tenancy.members import (
    LastOwner,
    MemberNotFound,
    RoleAboveOwn,
    ServiceMayNotOwn,
    check_member_change,
    check_rank,
    check_space_member_change,
)
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound

OWNER, ADMIN, EDITOR, VIEWER = Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER
maybe_roles = st.none() | st.sampled_from(Role)
Verdict = type[ObeliskError] | None


def _verdict(
    actor: Role | None,
    current: Role | None,
    new: Role | None,
    owners: int,
    service: bool = False,
    leaving: bool = False,
) -> Verdict:
    """`owners` counts the member too, when it is one."""
    others = owners - (current is OWNER)
    try:
        check_member_change(
            actor=actor,
            current=current,
            new=new,
            other_owners=others,
            service=service,
            leaving=leaving,
        )
    except ObeliskError as refusal:
        return type(refusal)
    return None


def _space_verdict(
    actor: Role | None,
    member: bool,
    current: Role | None,
    new: Role | None,
    service: bool = False,
) -> Verdict:
    try:
        check_space_member_change(
            actor=actor, member=member, current=current, new=new, service=service
        )
    except ObeliskError as refusal:
        return type(refusal)
    return None


@pytest.mark.parametrize(
    ("actor", "current", "new", "owners", "verdict"),
    [
        # Strangers learn nothing; members without the permission are told.
        (None, VIEWER, None, 1, OrganizationNotFound),
        (None, None, None, 1, OrganizationNotFound),
        (EDITOR, VIEWER, None, 1, ActionNotAllowed),
        (VIEWER, None, VIEWER, 1, ActionNotAllowed),
        # Somebody has to be there.
        (OWNER, None, VIEWER, 1, MemberNotFound),
        (ADMIN, None, None, 1, MemberNotFound),
        (ADMIN, None, OWNER, 1, MemberNotFound),
        # An owner does everything, and an admin everything below an owner.
        (OWNER, VIEWER, OWNER, 1, None),
        (OWNER, ADMIN, None, 1, None),
        (OWNER, OWNER, VIEWER, 2, None),
        (OWNER, OWNER, None, 2, None),
        (OWNER, OWNER, OWNER, 1, None),
        (ADMIN, ADMIN, VIEWER, 1, None),
        (ADMIN, VIEWER, ADMIN, 1, None),
        (ADMIN, ADMIN, None, 1, None),
        (ADMIN, OWNER, VIEWER, 2, RoleAboveOwn),
        (ADMIN, OWNER, None, 2, RoleAboveOwn),
        (ADMIN, OWNER, OWNER, 2, RoleAboveOwn),
        (ADMIN, VIEWER, OWNER, 2, RoleAboveOwn),
        # The last owner stays.
        (OWNER, OWNER, ADMIN, 1, LastOwner),
        (OWNER, OWNER, None, 1, LastOwner),
        (OWNER, VIEWER, None, 1, None),
    ],
)
def test_a_change_in_an_organization(
    actor: Role | None, current: Role | None, new: Role | None, owners: int, verdict: Verdict
) -> None:
    assert _verdict(actor, current, new, owners) is verdict


@pytest.mark.parametrize("role", list(Role))
def test_everybody_may_leave_but_the_last_owner(role: Role) -> None:
    assert _verdict(role, role, None, 1, leaving=True) is (LastOwner if role is OWNER else None)
    assert _verdict(role, role, None, 2, leaving=True) is None


def test_a_stranger_cannot_leave() -> None:
    assert _verdict(None, None, None, 1, leaving=True) is OrganizationNotFound


@pytest.mark.parametrize(
    ("actor", "member", "current", "new", "verdict"),
    [
        (None, True, VIEWER, None, SpaceNotFound),
        (None, False, None, VIEWER, SpaceNotFound),
        (EDITOR, True, VIEWER, None, ActionNotAllowed),
        (Role.REVIEWER, False, None, VIEWER, ActionNotAllowed),
        (OWNER, False, None, VIEWER, MemberNotFound),
        (OWNER, False, VIEWER, None, MemberNotFound),
        (OWNER, True, None, None, MemberNotFound),
        (OWNER, True, None, OWNER, None),
        (OWNER, True, OWNER, None, None),
        (ADMIN, True, None, VIEWER, None),
        (ADMIN, True, ADMIN, None, None),
        (ADMIN, True, OWNER, VIEWER, RoleAboveOwn),
        (ADMIN, True, OWNER, None, RoleAboveOwn),
        (ADMIN, True, None, OWNER, RoleAboveOwn),
    ],
)
def test_a_change_in_a_space(
    actor: Role | None, member: bool, current: Role | None, new: Role | None, verdict: Verdict
) -> None:
    assert _space_verdict(actor, member, current, new) is verdict


@pytest.mark.parametrize("role", list(Role))
def test_a_service_takes_every_role_but_the_owners(role: Role) -> None:
    expected = ServiceMayNotOwn if role is OWNER else None
    assert _verdict(OWNER, VIEWER, role, 1, service=True) is expected
    assert _space_verdict(OWNER, True, None, role, service=True) is expected


def test_a_refusal_names_both_roles() -> None:
    with pytest.raises(RoleAboveOwn) as refusal:
        check_rank(ADMIN, None, VIEWER, OWNER)
    assert refusal.value.metadata == {"role": "admin", "above": "owner"}
    assert str(refusal.value) == "the role 'admin' neither gives nor takes 'owner'"


@given(
    actor=maybe_roles,
    current=maybe_roles,
    new=maybe_roles,
    owners=st.integers(1, 3),
    service=st.booleans(),
)
def test_whatever_is_allowed_in_an_organization_keeps_its_rules(
    actor: Role | None, current: Role | None, new: Role | None, owners: int, service: bool
) -> None:
    if _verdict(actor, current, new, owners, service) is not None:
        return
    assert actor in (OWNER, ADMIN)
    assert current is not None
    touched = {current, new} - {None}
    assert not any(role is not None and outranks(role, actor) for role in touched)
    assert actor is OWNER or OWNER not in touched
    left = owners - (current is OWNER) + (new is OWNER)
    assert current is not OWNER or left >= 1
    assert not (service and new is OWNER)


@given(
    actor=maybe_roles,
    member=st.booleans(),
    current=maybe_roles,
    new=maybe_roles,
    service=st.booleans(),
)
def test_whatever_is_allowed_in_a_space_keeps_its_rules(
    actor: Role | None, member: bool, current: Role | None, new: Role | None, service: bool
) -> None:
    if _space_verdict(actor, member, current, new, service) is not None:
        return
    assert actor in (OWNER, ADMIN)
    assert member
    assert (current, new) != (None, None)
    assert actor is OWNER or OWNER not in (current, new)
    assert not (service and new is OWNER)


@given(role=st.sampled_from(Role), current=maybe_roles, new=maybe_roles)
def test_who_lacks_the_permission_is_told_the_same_about_anybody(
    role: Role, current: Role | None, new: Role | None
) -> None:
    if role in (OWNER, ADMIN):
        return
    with pytest.raises(ActionNotAllowed) as refusal:
        check_member_change(actor=role, current=current, new=new, other_owners=1, service=False)
    assert refusal.value.metadata["action"] == Action.MANAGE_MEMBERS.value
    with pytest.raises(ActionNotAllowed) as refusal:
        check_space_member_change(actor=role, member=False, current=current, new=new, service=False)
    assert refusal.value.metadata["action"] == Action.MANAGE_SPACE_MEMBERS.value
