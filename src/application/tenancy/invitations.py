"""Invitations: made, listed and revoked. Who accepts one is no caller of the organization's yet."""

from collections.abc import Mapping

from application.context import RequestContext
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.invitation_store import InvitationStore
from application.ports.tenancy_store import TenancyStore
from application.tenancy.standing import role_for
from domain.auth.account import normal_email
from domain.identifiers import InvitationId, OrganizationId, SpaceId
from domain.paging import Page, PageRequest
from domain.tenancy.access import Action, Role
from domain.tenancy.invitation import LIFETIME, Invitation, check_grant, digest_of


class ManageInvitations:
    def __init__(
        self,
        *,
        invitations: InvitationStore,
        tenancy: TenancyStore,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._invitations = invitations
        self._tenancy = tenancy
        self._clock = clock
        self._entropy = entropy

    async def create(
        self,
        context: RequestContext,
        *,
        organization_id: OrganizationId,
        email: str,
        role: Role,
        space_roles: Mapping[SpaceId, Role],
    ) -> tuple[Invitation, str]:
        """Returns the invitation and its token, which is shown now and never again.

        Raises:
            OrganizationNotFound, ActionNotAllowed: see `role_for`.
            SpaceNotFound: one of the spaces is none of this organization.
            RoleAboveOwn: one of the roles is above the caller's own there.
            InvalidInput: the email is none.
            TooManyInvitations: too many are open already.
        """
        own = await role_for(self._tenancy, context, organization_id, Action.MANAGE_MEMBERS)
        standings = await self._tenancy.standings_of(context.user_id, organization_id)
        check_grant(
            giver=own,
            action=Action.MANAGE_MEMBERS,
            standings={standing.space_id: standing.role for standing in standings},
            role=role,
            space_roles=space_roles,
        )
        now, token = self._clock.now(), self._entropy.secret()
        invitation = Invitation(
            invitation_id=InvitationId(self._entropy.uuid()),
            organization_id=organization_id,
            email=normal_email(email),
            role=role,
            space_roles=space_roles,
            inviter=context.user_id,
            create_time=now,
            expire_time=now + LIFETIME,
        )
        await self._invitations.add(invitation, digest_of(token))
        return invitation, token

    async def list(
        self, context: RequestContext, *, organization_id: OrganizationId, page: PageRequest
    ) -> Page[Invitation]:
        """Those still open, newest first. Raises OrganizationNotFound, ActionNotAllowed."""
        await role_for(self._tenancy, context, organization_id, Action.MANAGE_MEMBERS)
        return await self._invitations.list_open(organization_id, self._clock.now(), page)

    async def revoke(
        self,
        context: RequestContext,
        *,
        organization_id: OrganizationId,
        invitation_id: InvitationId,
    ) -> None:
        """Raises OrganizationNotFound, ActionNotAllowed, InvitationNotFound."""
        await role_for(self._tenancy, context, organization_id, Action.MANAGE_MEMBERS)
        await self._invitations.revoke(organization_id, invitation_id, self._clock.now())
