"""A sign-in, what renews it, and what it hands out."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from domain.errors import NotFound, Unauthenticated
from domain.identifiers import OrganizationId, SessionId, UserId

# One more ends the oldest: what one person or service holds open is bounded.
MAX_OPEN_SESSIONS = 200
_MAX_USER_AGENT_CHARACTERS = 200
_MAX_ADDRESS_CHARACTERS = 100


class RefreshTokenRejected(Unauthenticated):
    """One message for unknown, used, over, and of somebody who may not sign in any more."""

    reason = "REFRESH_TOKEN_REJECTED"

    def __init__(self) -> None:
        super().__init__("the refresh token is not valid; sign in again", field="refresh_token")


class SessionRefused(Unauthenticated):
    reason = "SESSION_REFUSED"

    def __init__(self) -> None:
        super().__init__("this account is closed; ask whoever runs this installation")


class SessionEnded(Unauthenticated):
    """For a stream that was opened while its session, token and user still counted."""

    reason = "SESSION_ENDED"

    def __init__(self) -> None:
        super().__init__("this session has been ended; sign in again")


class TokenExpired(Unauthenticated):
    """For a stream that has outlived the token it was opened with."""

    reason = "TOKEN_EXPIRED"

    def __init__(self) -> None:
        super().__init__("the access token's time is over; renew it, and go on where this ended")


class SessionNotFound(NotFound):
    reason = "SESSION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such session", field="session_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in. `organization_id` is what its tokens are bound to; times are UTC."""

    session_id: SessionId
    user_id: UserId
    organization_id: OrganizationId | None
    address: str
    user_agent: str
    create_time: datetime
    expire_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """What is kept of one: never the token itself."""

    token_hash: bytes
    expire_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """A session whose refresh token was just exchanged; `operator` as the user is now."""

    session: Session
    operator: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """What a sign-in answers. Services get no refresh token: they present their secret again.

    `user_id` and `organization_id` are whose it is and what it is bound to.
    """

    access_token: str
    access_expire_time: datetime
    refresh_token: str | None
    refresh_expire_time: datetime | None
    session_id: SessionId
    user_id: UserId
    organization_id: OrganizationId | None


def refresh_token_hash(refresh_token: str) -> bytes:
    """What a refresh token is found by. It holds 256 bits of chance, so no salt is needed."""
    return sha256(refresh_token.encode("utf-8", "surrogatepass")).digest()


def described(address: str, user_agent: str) -> tuple[str, str]:
    """Where a session was opened from, cut to what is kept, without what cannot be shown."""
    return (
        _printable(address)[:_MAX_ADDRESS_CHARACTERS],
        _printable(user_agent)[:_MAX_USER_AGENT_CHARACTERS],
    )


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())
