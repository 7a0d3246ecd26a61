"""Service clients: made, listed and revoked."""

from collections.abc import Awaitable, Callable, Mapping

from application.context import RequestContext
from application.ports.client_store import ClientStore
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.tenancy_store import TenancyStore
from application.tenancy.standing import role_for
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Action, Role
from domain.tenancy.client import ServiceClient
from domain.tenancy.invitation import check_grant, digest_of
from domain.tenancy.members import ServiceMayNotOwn
from domain.tenancy.organization import checked_display_name


class ManageClients:
    def __init__(
        self,
        *,
        clients: ClientStore,
        tenancy: TenancyStore,
        settle: Callable[[], Awaitable[None]],
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        """`settle` returns once every process knows what was committed before."""
        self._clients = clients
        self._tenancy = tenancy
        self._settle = settle
        self._clock = clock
        self._entropy = entropy

    async def create(
        self,
        context: RequestContext,
        *,
        organization_id: OrganizationId,
        display_name: str,
        role: Role,
        space_roles: Mapping[SpaceId, Role],
    ) -> tuple[ServiceClient, str]:
        """Returns the service and its secret, which is shown now and never again.

        Raises:
            OrganizationNotFound, ActionNotAllowed: see `role_for`.
            SpaceNotFound: one of the spaces is none of this organization.
            RoleAboveOwn: one of the roles is above the caller's own there.
            ServiceMayNotOwn: one of them is the owner's.
            InvalidInput: the name is none.
            TooManyServiceClients: there are too many already.
        """
        own = await role_for(self._tenancy, context, organization_id, Action.MANAGE_CLIENTS)
        standings = await self._tenancy.standings_of(context.user_id, organization_id)
        check_grant(
            giver=own,
            action=Action.MANAGE_CLIENTS,
            standings={standing.space_id: standing.role for standing in standings},
            role=role,
            space_roles=space_roles,
        )
        if Role.OWNER in (role, *space_roles.values()):
            raise ServiceMayNotOwn
        secret = self._entropy.secret()
        client = ServiceClient(
            client_id=UserId(self._entropy.uuid()),
            organization_id=organization_id,
            display_name=checked_display_name(display_name),
            create_time=self._clock.now(),
        )
        await self._clients.add(client, digest_of(secret), role, space_roles, giver=context.user_id)
        return client, secret

    async def list(
        self, context: RequestContext, *, organization_id: OrganizationId
    ) -> tuple[ServiceClient, ...]:
        """Oldest first, revoked ones too. Raises OrganizationNotFound, ActionNotAllowed."""
        await role_for(self._tenancy, context, organization_id, Action.MANAGE_CLIENTS)
        return await self._clients.list(organization_id)

    async def revoke(
        self, context: RequestContext, *, organization_id: OrganizationId, client_id: UserId
    ) -> None:
        """End the service and all of its tokens, everywhere by the time that this is answered.

        Raises OrganizationNotFound, ActionNotAllowed, ServiceClientNotFound.
        """
        await role_for(self._tenancy, context, organization_id, Action.MANAGE_CLIENTS)
        await self._clients.revoke(organization_id, client_id)
        await self._settle()
