from datetime import datetime
from typing import Protocol

from domain.identifiers import UserId


class OidcStore(Protocol):
    """Sign-ins at providers that have begun, and whose account each subject is."""

    async def begin(
        self,
        state_hash: bytes,
        provider: str,
        sealed: bytes,
        expire_time: datetime,
        *,
        now: datetime,
    ) -> None:
        """Remember a sign-in that has begun. Those that are over are forgotten bit by bit, faster
        than they come."""
        ...

    async def take(self, state_hash: bytes, now: datetime) -> tuple[str, bytes] | None:
        """The provider and what is sealed, this one time; None when unknown, taken or over."""
        ...

    async def user_of(self, issuer: str, subject: str) -> UserId | None:
        """Whose account a provider's subject is; None for nobody's yet."""
        ...

    async def issuers_of(self, user: UserId) -> frozenset[str]:
        """The issuers that the account is linked to a subject of."""
        ...

    async def link(self, issuer: str, subject: str, user: UserId) -> UserId | None:
        """Make the account the subject's; whose it is then, for another may have been first.

        None when the account is another subject's of the same issuer: it has one owner there.
        """
        ...

    async def open_invitations(self, email: str, now: datetime) -> tuple[bytes, ...]:
        """The token digests of the invitations that could still be accepted, oldest first."""
        ...
