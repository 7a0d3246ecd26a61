from datetime import datetime
from typing import Protocol

from domain.auth.session import RefreshToken, Renewal, Session
from domain.identifiers import OrganizationId, SessionId, UserId


class SessionStore(Protocol):
    """Sessions and their refresh tokens. Whatever ends one tells the authority feed of it, in the
    same transaction. What is over is forgotten here bit by bit."""

    async def open(self, session: Session, refresh: RefreshToken | None) -> None:
        """Keep a new session, with the token that renews it if there is one.

        Of more than MAX_OPEN_SESSIONS of one user the oldest ends.

        Raises:
            SessionRefused: the user or service does not exist, is disabled or revoked.
        """
        ...

    async def rotate(
        self,
        token_hash: bytes,
        successor: RefreshToken,
        organization: OrganizationId | None,
        now: datetime,
    ) -> Renewal | None:
        """Use up one refresh token and keep its successor, which ends with the session at most.

        `organization` binds the session to another one. None when the token has been used before:
        its session is ended then.

        Raises:
            RefreshTokenRejected: unknown or over, or its session is, or its user may not sign in.
            OrganizationNotFound: the user is no member of `organization`; nothing is used up.
        """
        ...

    async def open_sessions(self, user: UserId, now: datetime) -> tuple[Session, ...]:
        """The user's sessions that are neither ended nor over, newest first."""
        ...

    async def end(self, user: UserId, session: SessionId, now: datetime) -> None:
        """End one session. Ending it again changes nothing.

        Raises:
            SessionNotFound: the user has no such session.
        """
        ...

    async def end_all(self, user: UserId, *, spare: SessionId | None, now: datetime) -> int:
        """End every session of the user but `spare`; how many were still open.

        Without one to spare, many are told as one change: all tokens issued before `now` end.
        """
        ...

    async def revoke_user(self, user: UserId, *, disable: bool, now: datetime) -> int:
        """End every session, and every token that was issued before `now`; how many were open.

        With `disable` no other session can be opened.

        Raises:
            UserNotFound: there is no such user and no such service.
        """
        ...
