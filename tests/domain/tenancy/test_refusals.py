"""What callers are told, word for word: reasons are stable, and messages give nothing away."""

from collections.abc import Callable

import pytest

from domain.errors import (
    FailedPrecondition,
    InvalidInput,
    NotFound,
    ObeliskError,
    PermissionDenied,
)
from domain.tenancy.client import ServiceClientNotFound
from domain.tenancy.erasure import ErasureReceiptNotFound
from domain.tenancy.invitation import InvitationNotFound
from domain.tenancy.members import LastOwner, MemberNotFound, ServiceMayNotOwn
from domain.tenancy.organization import (
    MAX_DISPLAY_NAME_CHARACTERS,
    OrganizationNotFound,
    checked_display_name,
)
from domain.tenancy.space import SpaceNotFound


@pytest.mark.parametrize(
    ("make", "kind", "reason", "field", "message"),
    [
        (
            OrganizationNotFound,
            NotFound,
            "ORGANIZATION_NOT_FOUND",
            "organization_id",
            "no such organization",
        ),
        (SpaceNotFound, NotFound, "SPACE_NOT_FOUND", "x-space-id", "no such space"),
        (MemberNotFound, NotFound, "MEMBER_NOT_FOUND", "user_id", "no such member"),
        (
            ServiceClientNotFound,
            NotFound,
            "SERVICE_CLIENT_NOT_FOUND",
            "client_id",
            "no such service client",
        ),
        (
            ErasureReceiptNotFound,
            NotFound,
            "ERASURE_RECEIPT_NOT_FOUND",
            "receipt_id",
            "no such receipt",
        ),
        (
            InvitationNotFound,
            NotFound,
            "INVITATION_NOT_FOUND",
            None,
            "no such invitation, or it is no longer open; ask for a new one",
        ),
        (
            LastOwner,
            FailedPrecondition,
            "LAST_OWNER",
            None,
            "an organization keeps its last owner; make somebody else one first",
        ),
        (
            ServiceMayNotOwn,
            PermissionDenied,
            "SERVICE_MAY_NOT_OWN",
            None,
            "a service cannot own an organization or a space",
        ),
    ],
)
def test_a_refusal_says_this(
    make: Callable[[], ObeliskError],
    kind: type[ObeliskError],
    reason: str,
    field: str | None,
    message: str,
) -> None:
    refusal = make()
    assert isinstance(refusal, kind)
    assert (refusal.reason, refusal.field, refusal.message) == (reason, field, message)
    assert refusal.metadata == {}


@pytest.mark.parametrize("name", ["x", "x" * MAX_DISPLAY_NAME_CHARACTERS])
def test_a_name_on_the_limit_is_accepted(name: str) -> None:
    assert checked_display_name(name) == name


@pytest.mark.parametrize("count", [0, MAX_DISPLAY_NAME_CHARACTERS + 1])
def test_a_name_beyond_the_limit_is_refused_with_its_length(count: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked_display_name("x" * count)
    assert refusal.value.message == f"a display name has 1 to 200 characters, not {count}"
    assert refusal.value.field == "display_name"


def test_a_name_with_what_nobody_sees_is_refused_by_the_fields_name() -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked_display_name("Nord\u202elys")
    assert refusal.value.field == "display_name"
    assert refusal.value.message == "display_name holds the control character U+202E; remove it"
