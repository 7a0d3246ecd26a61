from datetime import datetime
from typing import Protocol

from domain.identifiers import InvitationId, OrganizationId
from domain.paging import Page, PageRequest
from domain.tenancy.invitation import Invitation


class InvitationStore(Protocol):
    """Invitations to an organization; of a token only the digest is kept."""

    async def add(self, invitation: Invitation, token_hash: bytes) -> None:
        """Keep a new one.

        Raises OrganizationNotFound, and TooManyInvitations beyond MAX_OPEN_INVITATIONS.
        """
        ...

    async def list_open(
        self, organization: OrganizationId, now: datetime, page: PageRequest
    ) -> Page[Invitation]:
        """Those that could still be accepted, newest first."""
        ...

    async def revoke(
        self, organization: OrganizationId, invitation: InvitationId, now: datetime
    ) -> None:
        """Raises InvitationNotFound, also for another organization's and for one not open."""
        ...
