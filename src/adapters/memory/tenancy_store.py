"""Organizations, spaces and members in memory."""

from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.organization import Organization, OrganizationNotFound
from domain.tenancy.space import Space

_BUILDERS = (Role.OWNER, Role.ADMIN)


class MemoryTenancyStore:
    def __init__(self) -> None:
        self._organizations: dict[OrganizationId, Organization] = {}
        self._spaces: dict[SpaceId, Space] = {}
        self._organization_roles: dict[tuple[OrganizationId, UserId], Role] = {}
        self._space_roles: dict[tuple[SpaceId, UserId], Role] = {}

    async def add_organization(self, organization: Organization, owner: UserId) -> None:
        self._organizations[organization.organization_id] = organization
        self._organization_roles[organization.organization_id, owner] = Role.OWNER

    async def organizations_of(self, user: UserId) -> tuple[Organization, ...]:
        mine = [key for key, member in self._organization_roles if member == user]
        return tuple(self._organizations[key] for key in sorted(mine))

    async def add_space(self, space: Space, owner: UserId) -> None:
        if self._organization_roles.get((space.organization_id, owner)) not in _BUILDERS:
            raise OrganizationNotFound
        self._spaces[space.space_id] = space
        self._space_roles[space.space_id, owner] = Role.OWNER

    async def spaces_of(self, organization: OrganizationId, user: UserId) -> tuple[Space, ...]:
        mine = [self._spaces[key] for key, member in self._space_roles if member == user]
        found = [space for space in mine if space.organization_id == organization]
        return tuple(sorted(found, key=lambda space: space.space_id))

    async def role_in(self, organization: OrganizationId, user: UserId) -> Role | None:
        return self._organization_roles.get((organization, user))

    async def access_to(self, space: SpaceId, user: UserId) -> SpaceAccess | None:
        role = self._space_roles.get((space, user))
        if role is None:
            return None
        organization = self._spaces[space].organization_id
        return SpaceAccess(organization_id=organization, space_id=space, role=role)
