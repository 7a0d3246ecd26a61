from typing import Protocol

from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.organization import Organization
from domain.tenancy.space import Space


class TenancyStore(Protocol):
    """Organizations, their spaces, and who is a member of them."""

    async def add_organization(self, organization: Organization, owner: UserId) -> None:
        """Keep a new organization with its owner."""
        ...

    async def organizations_of(self, user: UserId) -> tuple[Organization, ...]:
        """The organizations that `user` is a member of, oldest first."""
        ...

    async def add_space(self, space: Space, owner: UserId) -> None:
        """Keep a new space with its owner.

        Raises:
            OrganizationNotFound: the organization does not exist.
        """
        ...

    async def spaces_of(self, organization: OrganizationId, user: UserId) -> tuple[Space, ...]:
        """The spaces of the organization that `user` may enter, oldest first."""
        ...

    async def role_in(self, organization: OrganizationId, user: UserId) -> Role | None:
        """The user's role in the organization; None without one, or without the organization."""
        ...

    async def access_to(self, space: SpaceId, user: UserId) -> SpaceAccess | None:
        """The user's standing in the space; None without one, or without the space."""
        ...
