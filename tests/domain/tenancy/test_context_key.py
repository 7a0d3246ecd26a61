"""Under which key a standing is remembered, and which entries are believed."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy import access, context_key
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.context_key import CachedAccess, ContextKey, policy_version
from domain.tenancy.context_key import context_key as key_of

HOME, SPACE, USER = (UUID(int=n) for n in (1, 2, 3))
KEY = key_of(
    organization=OrganizationId(HOME), space=SpaceId(SPACE), principal=UserId(USER), epoch=5
)
ACCESS = SpaceAccess(
    organization_id=OrganizationId(HOME), space_id=SpaceId(SPACE), role=Role.EDITOR
)
keys = st.builds(
    ContextKey,
    organization_id=st.none() | st.uuids().map(OrganizationId),
    space_id=st.uuids().map(SpaceId),
    principal=st.uuids().map(UserId),
    epoch=st.integers(0, 2**63 - 1),
    policy=st.from_regex(r"[0-9a-f]{12}", fullmatch=True),
)


def test_a_key_is_made_of_what_it_is_given_under_the_policy_of_the_day() -> None:
    made = key_of(
        organization=OrganizationId(HOME), space=SpaceId(SPACE), principal=UserId(USER), epoch=5
    )
    assert made == ContextKey(
        organization_id=OrganizationId(HOME),
        space_id=SpaceId(SPACE),
        principal=UserId(USER),
        epoch=5,
        policy=policy_version(),
    )


def test_a_key_names_everything_that_a_standing_hangs_on() -> None:
    assert str(KEY) == f"{HOME}:{SPACE}:{USER}:5:{policy_version()}"
    assert str(replace(KEY, organization_id=None)) == f"-:{SPACE}:{USER}:5:{policy_version()}"


@given(one=keys, other=keys)
def test_two_keys_are_written_alike_only_when_they_are_one(
    one: ContextKey, other: ContextKey
) -> None:
    assert (str(one) == str(other)) is (one == other)


def test_the_policys_version_follows_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    before = policy_version()
    assert len(before) == 12
    for name in ("SPACE_PERMISSIONS", "ORGANIZATION_PERMISSIONS", "INHERITED_ROLES"):
        table = dict(getattr(access, name))
        table.pop(Role.ADMIN)
        with monkeypatch.context() as patched:
            patched.setattr(context_key, name, table)
            assert policy_version.__wrapped__() != before
    assert policy_version.__wrapped__() == before


@pytest.mark.parametrize(
    ("found", "believed"),
    [
        (CachedAccess(key=str(KEY), access=ACCESS), True),
        (CachedAccess(key=str(KEY), access=None), True),
        (CachedAccess(key=str(replace(KEY, epoch=6)), access=ACCESS), False),
        (CachedAccess(key=str(replace(KEY, epoch=6)), access=None), False),
        (CachedAccess(key=str(KEY), access=replace(ACCESS, space_id=SpaceId(USER))), False),
        (
            CachedAccess(
                key=str(KEY), access=replace(ACCESS, organization_id=OrganizationId(USER))
            ),
            False,
        ),
    ],
)
def test_an_entry_answers_its_own_key_alone(found: CachedAccess, believed: bool) -> None:
    assert found.answers(KEY) is believed


def test_a_token_that_is_bound_to_nothing_takes_any_organizations_entry() -> None:
    free = replace(KEY, organization_id=None)
    assert CachedAccess(key=str(free), access=ACCESS).answers(free)
