"""What the tenancy stores in memory share, as their tables do in a database."""

from collections import Counter
from dataclasses import replace

from adapters.memory.people import MemoryPeople
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess, standing_in_space
from domain.tenancy.client import KnownClient
from domain.tenancy.invitation import Invitation
from domain.tenancy.organization import Organization
from domain.tenancy.space import Space


class MemoryTenants:
    """Roles change through the methods here, for they move the epochs."""

    def __init__(self, people: MemoryPeople | None = None) -> None:
        """`people` are those who can sign in, when others know of them too."""
        self.organizations: dict[OrganizationId, Organization] = {}
        self.spaces: dict[SpaceId, Space] = {}
        self.organization_roles: dict[tuple[OrganizationId, UserId], Role] = {}
        self.space_roles: dict[tuple[SpaceId, UserId], Role] = {}
        self.epochs: Counter[UserId] = Counter()
        self.people = people or MemoryPeople()
        self.clients: dict[UserId, KnownClient] = {}
        self.invitations: dict[bytes, Invitation] = {}

    def add_space(self, space: Space) -> None:
        self.spaces[space.space_id] = space
        for (organization, user), role in self.organization_roles.items():
            if organization == space.organization_id and role in (Role.OWNER, Role.ADMIN):
                self.epochs[user] += 1

    def set_role(self, organization: OrganizationId, user: UserId, role: Role) -> None:
        self.organization_roles[organization, user] = role
        self.epochs[user] += 1

    def set_space_role(self, space: SpaceId, user: UserId, role: Role) -> None:
        self.space_roles[space, user] = role
        self.epochs[user] += 1

    def remove(self, organization: OrganizationId, user: UserId) -> None:
        """From the organization, and with it from each of its spaces."""
        if self.organization_roles.pop((organization, user), None) is not None:
            self.epochs[user] += 1
        for space in self.spaces.values():
            if space.organization_id == organization:
                self.remove_from_space(space.space_id, user)

    def remove_from_space(self, space: SpaceId, user: UserId) -> bool:
        """Whether there was anything to remove."""
        if self.space_roles.pop((space, user), None) is None:
            return False
        self.epochs[user] += 1
        return True

    def add_client(self, known: KnownClient) -> None:
        self.clients[known.client.client_id] = known
        self.people.services.add(known.client.client_id)

    def revoke_client(self, client: UserId) -> None:
        """Nothing happens to somebody who is no service."""
        known = self.clients.get(client)
        if known is not None:
            self.clients[client] = replace(known, client=replace(known.client, revoked=True))
            self.people.close(client)

    def access(self, space: SpaceId, user: UserId) -> SpaceAccess | None:
        found = self.spaces.get(space)
        if found is None:
            return None
        outside = self.organization_roles.get((found.organization_id, user))
        if outside is None:
            return None
        role = standing_in_space(outside, self.space_roles.get((space, user)))
        if role is None:
            return None
        return SpaceAccess(organization_id=found.organization_id, space_id=space, role=role)

    def standings(self, organization: OrganizationId, user: UserId) -> dict[SpaceId, Role]:
        """The roles that count in the spaces of one organization."""
        found = [self.access(space, user) for space in self.spaces]
        return {
            access.space_id: access.role
            for access in found
            if access is not None and access.organization_id == organization
        }
