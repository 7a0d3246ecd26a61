"""What organizations and spaces are called, in memory."""

from dataclasses import replace

from adapters.memory.tenants import MemoryTenants
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.organization import Organization, OrganizationNotFound
from domain.tenancy.space import Space, SpaceNotFound


class MemoryTenantDirectory:
    def __init__(self, tenants: MemoryTenants) -> None:
        self._tenants = tenants

    async def organizations_of(self, user: UserId) -> tuple[Organization, ...]:
        mine = [key for key, member in self._tenants.organization_roles if member == user]
        return tuple(self._tenants.organizations[key] for key in sorted(mine))

    async def spaces_of(self, organization: OrganizationId, user: UserId) -> tuple[Space, ...]:
        return tuple(
            space
            for key, space in sorted(self._tenants.spaces.items())
            if space.organization_id == organization and self._tenants.access(key, user)
        )

    async def rename_organization(
        self, organization: OrganizationId, display_name: str
    ) -> Organization:
        found = self._tenants.organizations.get(organization)
        if found is None:
            raise OrganizationNotFound
        renamed = replace(found, display_name=display_name)
        self._tenants.organizations[organization] = renamed
        return renamed

    async def rename_space(
        self, organization: OrganizationId, space: SpaceId, display_name: str
    ) -> Space:
        found = self._tenants.spaces.get(space)
        if found is None or found.organization_id != organization:
            raise SpaceNotFound
        renamed = replace(found, display_name=display_name)
        self._tenants.spaces[space] = renamed
        return renamed
