"""Who may do what: both tables spelled out, and what holds for any table of the kind."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tenancy.access import (
    ORGANIZATION_PERMISSIONS,
    SPACE_PERMISSIONS,
    Action,
    ActionNotAllowed,
    Role,
    outranks,
    require,
    require_in_organization,
    standing_in_space,
    stronger,
)

YES, NO = True, False
#                               OWNER  ADMIN  EDITOR  REVIEWER  VIEWER
IN_SPACE = {
    Action.READ: (YES, YES, YES, YES, YES),
    Action.REVIEW: (YES, YES, YES, YES, NO),
    Action.ASK: (YES, YES, YES, NO, NO),
    Action.EDIT_DOCUMENTS: (YES, YES, YES, NO, NO),
    Action.EDIT_SETTINGS: (YES, YES, NO, NO, NO),
    Action.MANAGE_SPACE_MEMBERS: (YES, YES, NO, NO, NO),
    Action.DELETE_SPACE: (YES, NO, NO, NO, NO),
}
IN_ORGANIZATION = {
    Action.READ_ORGANIZATION: (YES, YES, YES, YES, YES),
    Action.EDIT_ORGANIZATION: (YES, YES, NO, NO, NO),
    Action.CREATE_SPACE: (YES, YES, NO, NO, NO),
    Action.MANAGE_MEMBERS: (YES, YES, NO, NO, NO),
    Action.MANAGE_CLIENTS: (YES, YES, NO, NO, NO),
    Action.READ_AUDIT: (YES, YES, NO, NO, NO),
    Action.DELETE_ORGANIZATION: (YES, NO, NO, NO, NO),
}
ROLES = (Role.OWNER, Role.ADMIN, Role.EDITOR, Role.REVIEWER, Role.VIEWER)
roles, maybe_roles = st.sampled_from(Role), st.none() | st.sampled_from(Role)
actions = st.sampled_from(Action)


def _cases(table: Mapping[Action, tuple[bool, ...]]) -> list[tuple[Role, Action, bool]]:
    """Each role with each action there is; what a table leaves out is not allowed by it."""
    return [
        (role, action, dict(zip(ROLES, table.get(action, (NO,) * 5), strict=True))[role])
        for role in ROLES
        for action in Action
    ]


def test_the_tables_are_whole_and_no_action_is_of_both_levels() -> None:
    assert set(ROLES) == set(Role)
    assert set(IN_SPACE) | set(IN_ORGANIZATION) == set(Action)
    assert set(IN_SPACE).isdisjoint(IN_ORGANIZATION)
    in_space = frozenset().union(*SPACE_PERMISSIONS.values())
    assert in_space.isdisjoint(frozenset().union(*ORGANIZATION_PERMISSIONS.values()))
    assert set(SPACE_PERMISSIONS) == set(ORGANIZATION_PERMISSIONS) == set(Role)


@pytest.mark.parametrize(("role", "action", "allowed"), _cases(IN_SPACE))
def test_in_a_space(role: Role, action: Action, allowed: bool) -> None:
    if allowed:
        require(role, action)
        return
    with pytest.raises(ActionNotAllowed) as refusal:
        require(role, action)
    assert refusal.value.metadata == {"role": role.value, "action": action.value}
    assert role.value in str(refusal.value)
    assert action.value in str(refusal.value)


@pytest.mark.parametrize(("role", "action", "allowed"), _cases(IN_ORGANIZATION))
def test_in_an_organization(role: Role, action: Action, allowed: bool) -> None:
    if allowed:
        require_in_organization(role, action)
        return
    with pytest.raises(ActionNotAllowed) as refusal:
        require_in_organization(role, action)
    assert refusal.value.metadata == {"role": role.value, "action": action.value}


#                     no role in the space, then each role in it
STANDINGS = {
    Role.OWNER: (Role.OWNER,) * 6,
    Role.ADMIN: (Role.ADMIN, Role.OWNER, *(Role.ADMIN,) * 4),
    Role.EDITOR: (None, *ROLES),
    Role.REVIEWER: (None, *ROLES),
    Role.VIEWER: (None, *ROLES),
}


@pytest.mark.parametrize(
    ("outside", "inside", "standing"),
    [
        (outside, inside, standing)
        for outside, row in STANDINGS.items()
        for inside, standing in zip((None, *ROLES), row, strict=True)
    ],
)
def test_the_role_that_counts_in_a_space(
    outside: Role, inside: Role | None, standing: Role | None
) -> None:
    assert standing_in_space(outside, inside) is standing


@given(one=roles, other=roles)
def test_a_stronger_role_allows_all_that_a_weaker_one_does(one: Role, other: Role) -> None:
    for table in (SPACE_PERMISSIONS, ORGANIZATION_PERMISSIONS):
        if outranks(one, other):
            assert table[one] >= table[other]
        assert table[one] >= table[other] or table[other] >= table[one]


@given(one=roles, other=roles, third=roles)
def test_the_order_of_roles_is_total_and_strict(one: Role, other: Role, third: Role) -> None:
    assert not outranks(one, one)
    assert (one is other) or (outranks(one, other) is not outranks(other, one))
    if outranks(one, other) and outranks(other, third):
        assert outranks(one, third)


@given(one=roles, other=maybe_roles)
def test_the_stronger_of_two_is_one_of_them_and_outranked_by_neither(
    one: Role, other: Role | None
) -> None:
    found = stronger(one, other)
    assert found in (one, other)
    assert not outranks(one, found)
    assert other is None or not outranks(other, found)


@given(outside=roles, inside=maybe_roles)
def test_a_standing_is_the_join_of_both_levels(outside: Role, inside: Role | None) -> None:
    alone = standing_in_space(outside, None)
    given_there = {role for role in (alone, inside) if role is not None}
    standing = standing_in_space(outside, inside)
    if standing is None:
        assert not given_there
        return
    assert standing in given_there
    assert not any(outranks(role, standing) for role in given_there)


@given(one=roles, other=roles, inside=maybe_roles)
def test_a_stronger_role_outside_never_weakens_a_standing(
    one: Role, other: Role, inside: Role | None
) -> None:
    if not outranks(one, other):
        return
    better, worse = standing_in_space(one, inside), standing_in_space(other, inside)
    if worse is not None:
        assert better is not None
        assert SPACE_PERMISSIONS[better] >= SPACE_PERMISSIONS[worse]


@given(outside=roles, inside=maybe_roles)
def test_a_space_never_opens_to_who_is_a_mere_member_of_the_organization(
    outside: Role, inside: Role | None
) -> None:
    heads = {Role.OWNER, Role.ADMIN}
    assert (standing_in_space(outside, inside) is None) is (outside not in heads and inside is None)


@given(action=actions)
def test_a_viewer_reads_and_does_nothing_else(action: Action) -> None:
    reading = {Action.READ, Action.READ_ORGANIZATION}
    allowed = SPACE_PERMISSIONS[Role.VIEWER] | ORGANIZATION_PERMISSIONS[Role.VIEWER]
    assert (action in allowed) is (action in reading)


@given(action=actions)
def test_whatever_can_be_done_at_all_an_owner_can_do(action: Action) -> None:
    assert action in SPACE_PERMISSIONS[Role.OWNER] | ORGANIZATION_PERMISSIONS[Role.OWNER]


@given(role=roles)
def test_only_an_owner_deletes(role: Role) -> None:
    allowed = SPACE_PERMISSIONS[role] | ORGANIZATION_PERMISSIONS[role]
    deleting = {Action.DELETE_SPACE, Action.DELETE_ORGANIZATION}
    assert bool(allowed & deleting) is (role is Role.OWNER)
