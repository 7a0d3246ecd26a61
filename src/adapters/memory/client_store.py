"""The services of an organization, in memory."""

from collections.abc import Mapping

from adapters.memory.tenants import MemoryTenants
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Action, Role
from domain.tenancy.client import (
    MAX_SERVICE_CLIENTS,
    KnownClient,
    ServiceClient,
    ServiceClientNotFound,
    TooManyServiceClients,
)
from domain.tenancy.invitation import check_grant
from domain.tenancy.organization import OrganizationNotFound


class MemoryClientStore:
    def __init__(self, tenants: MemoryTenants) -> None:
        self._tenants = tenants

    async def add(
        self,
        client: ServiceClient,
        secret_hash: bytes,
        role: Role,
        space_roles: Mapping[SpaceId, Role],
        *,
        giver: UserId,
    ) -> None:
        own = self._tenants.organization_roles.get((client.organization_id, giver))
        if own is None:
            raise OrganizationNotFound
        check_grant(
            giver=own,
            action=Action.MANAGE_CLIENTS,
            standings=self._tenants.standings(client.organization_id, giver),
            role=role,
            space_roles=space_roles,
        )
        living = [one for one in await self.list(client.organization_id) if not one.revoked]
        if len(living) >= MAX_SERVICE_CLIENTS:
            raise TooManyServiceClients
        self._tenants.add_client(KnownClient(client=client, secret_hash=secret_hash))
        self._tenants.set_role(client.organization_id, client.client_id, role)
        for space, inside in space_roles.items():
            self._tenants.set_space_role(space, client.client_id, inside)

    async def list(self, organization: OrganizationId) -> tuple[ServiceClient, ...]:
        return tuple(
            known.client
            for _, known in sorted(self._tenants.clients.items())
            if known.client.organization_id == organization
        )

    async def revoke(self, organization: OrganizationId, client: UserId) -> None:
        known = self._tenants.clients.get(client)
        if known is None or known.client.organization_id != organization:
            raise ServiceClientNotFound
        self._tenants.revoke_client(client)
        self._tenants.remove(organization, client)

    async def client_by_id(self, client: UserId) -> KnownClient | None:
        return self._tenants.clients.get(client)
