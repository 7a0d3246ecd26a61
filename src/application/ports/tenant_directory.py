from typing import Protocol

from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.organization import Organization
from domain.tenancy.space import Space


class TenantDirectory(Protocol):
    """What organizations and spaces are called, and which of them somebody may see."""

    async def organizations_of(self, user: UserId) -> tuple[Organization, ...]:
        """The organizations that `user` is a member of, oldest first."""
        ...

    async def spaces_of(self, organization: OrganizationId, user: UserId) -> tuple[Space, ...]:
        """The spaces of the organization that `user` may enter, oldest first."""
        ...

    async def rename_organization(
        self, organization: OrganizationId, display_name: str
    ) -> Organization:
        """Raises OrganizationNotFound."""
        ...

    async def rename_space(
        self, organization: OrganizationId, space: SpaceId, display_name: str
    ) -> Space:
        """Raises SpaceNotFound, also for a space of another organization."""
        ...
