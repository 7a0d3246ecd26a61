"""Organizations, spaces and how people stand in them, in memory."""

from adapters.memory.tenants import MemoryTenants
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.organization import Organization, OrganizationNotFound
from domain.tenancy.space import Space

_BUILDERS = (Role.OWNER, Role.ADMIN)


class MemoryTenancyStore:
    def __init__(self, tenants: MemoryTenants) -> None:
        self._tenants = tenants

    async def add_organization(self, organization: Organization, owner: UserId) -> None:
        self._tenants.organizations[organization.organization_id] = organization
        self._tenants.set_role(organization.organization_id, owner, Role.OWNER)

    async def add_space(self, space: Space, owner: UserId) -> None:
        if await self.role_in(space.organization_id, owner) not in _BUILDERS:
            raise OrganizationNotFound
        self._tenants.add_space(space)
        role = Role.ADMIN if owner in self._tenants.clients else Role.OWNER
        self._tenants.set_space_role(space.space_id, owner, role)

    async def role_in(self, organization: OrganizationId, user: UserId) -> Role | None:
        return self._tenants.organization_roles.get((organization, user))

    async def access_to(self, space: SpaceId, user: UserId) -> SpaceAccess | None:
        return self._tenants.access(space, user)

    async def standings_of(
        self, user: UserId, organization: OrganizationId | None
    ) -> tuple[SpaceAccess, ...]:
        found = [self._tenants.access(space, user) for space in sorted(self._tenants.spaces)]
        return tuple(
            access
            for access in found
            if access is not None and organization in (None, access.organization_id)
        )

    async def epoch_of(self, user: UserId) -> int:
        return self._tenants.epochs[user]
