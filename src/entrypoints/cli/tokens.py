"""Access tokens for people at this machine's terminal: signed with the server's own key."""

from datetime import timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from domain.auth.claims import Claims
from domain.identifiers import SessionId, UserId
from entrypoints.container import Identity
from entrypoints.settings import Settings

LOCAL_USER = "local"


def mint(settings: Settings, user: str, minutes: int | None = None) -> str:
    """A token for `user`; the data folder's key is made when there is none."""
    identity = Identity(settings=settings)
    now = identity.clock().now()
    claims = Claims(
        subject=user_id(user),
        session_id=SessionId(identity.entropy().uuid()),
        token_id=str(identity.entropy().uuid()),
        issue_time=now,
        expire_time=now + timedelta(minutes=minutes or settings.token_minutes),
    )
    return identity.signer().sign(claims)


def user_id(user: str) -> UserId:
    """A UUID as it is; any other name stands for the same UUID every time."""
    try:
        return UserId(UUID(user))
    except ValueError:
        return UserId(uuid5(NAMESPACE_URL, f"obelisk:user:{user}"))
