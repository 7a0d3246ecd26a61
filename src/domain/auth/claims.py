"""What a verified access token says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.errors import InvalidInput, PermissionDenied, Unauthenticated
from domain.identifiers import OrganizationId, SessionId, SpaceId, UserId
from domain.tenancy.access import Action, Role


class TokenRejected(Unauthenticated):
    """One message for every defect of a token: an attacker learns nothing from it.

    `key_unknown` stays here, and says that a look at the keys may help.
    """

    reason = "TOKEN_REJECTED"

    def __init__(self, *, key_unknown: bool = False) -> None:
        super().__init__("the access token is not valid here; sign in again")
        self.key_unknown = key_unknown


class TokenTooLong(InvalidInput):
    reason = "TOKEN_TOO_LONG"


class TokenMissing(Unauthenticated):
    reason = "TOKEN_MISSING"

    def __init__(self) -> None:
        super().__init__(
            "send an access token in the header 'authorization', as 'Bearer <token>'",
            field="authorization",
        )


class OperatorOnly(PermissionDenied):
    reason = "OPERATOR_ONLY"

    def __init__(self) -> None:
        super().__init__("only an operator of this installation may do this")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """`token_id` is the `jti`; times are UTC.

    A token bound to an organization opens nothing outside of it; `permissions` are those there.
    `spaces` are the roles in its spaces, or None when they are to be looked up: the token is bound
    to no organization, or they would not fit. All of it holds while `epoch` is the user's own.
    """

    subject: UserId
    session_id: SessionId
    token_id: str
    issue_time: datetime
    expire_time: datetime
    epoch: int = 0
    organization_id: OrganizationId | None = None
    permissions: frozenset[Action] = field(default_factory=frozenset)
    spaces: Mapping[SpaceId, Role] | None = None
    operator: bool = False


def require_operator(claims: Claims) -> None:
    """Raise OperatorOnly unless the caller runs this installation."""
    if not claims.operator:
        raise OperatorOnly
