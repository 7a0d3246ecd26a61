"""What a verified access token says."""

from dataclasses import dataclass
from datetime import datetime

from domain.errors import Unauthenticated
from domain.identifiers import UserId


class TokenRejected(Unauthenticated):
    """One message for every defect of a token: an attacker learns nothing from it."""

    reason = "TOKEN_REJECTED"

    def __init__(self) -> None:
        super().__init__("the access token is not valid here; sign in again")


class TokenMissing(Unauthenticated):
    reason = "TOKEN_MISSING"

    def __init__(self) -> None:
        super().__init__(
            "send an access token in the header 'authorization', as 'Bearer <token>'",
            field="authorization",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """`token_id` is the `jti`; times are UTC."""

    subject: UserId
    token_id: str
    issue_time: datetime
    expire_time: datetime
