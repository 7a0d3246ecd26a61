"""Invitations in memory: those that are used up or revoked are gone."""

from datetime import datetime

from adapters.memory.pages import newest_first
from adapters.memory.tenants import MemoryTenants
from domain.identifiers import InvitationId, OrganizationId
from domain.paging import Page, PageRequest
from domain.tenancy.invitation import (
    MAX_OPEN_INVITATIONS,
    Invitation,
    InvitationNotFound,
    TooManyInvitations,
)
from domain.tenancy.organization import OrganizationNotFound


class MemoryInvitationStore:
    def __init__(self, tenants: MemoryTenants) -> None:
        self._tenants = tenants

    async def add(self, invitation: Invitation, token_hash: bytes) -> None:
        home, now = invitation.organization_id, invitation.create_time
        if home not in self._tenants.organizations:
            raise OrganizationNotFound
        if len(self._open(home, now)) >= MAX_OPEN_INVITATIONS:
            raise TooManyInvitations
        self._tenants.invitations[token_hash] = invitation

    async def list_open(
        self, organization: OrganizationId, now: datetime, page: PageRequest
    ) -> Page[Invitation]:
        return newest_first(self._open(organization, now), page, lambda i: i.invitation_id)

    async def revoke(
        self, organization: OrganizationId, invitation: InvitationId, now: datetime
    ) -> None:
        for token_hash, found in self._tenants.invitations.items():
            mine = found.organization_id == organization and found.expire_time > now
            if mine and found.invitation_id == invitation:
                del self._tenants.invitations[token_hash]
                return
        raise InvitationNotFound

    def _open(self, organization: OrganizationId, now: datetime) -> list[Invitation]:
        return [
            invitation
            for invitation in self._tenants.invitations.values()
            if invitation.organization_id == organization and invitation.expire_time > now
        ]
