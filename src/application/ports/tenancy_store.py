from typing import Protocol

from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.organization import Organization
from domain.tenancy.space import Space


class TenancyStore(Protocol):
    """That organizations and spaces exist, and how people stand in them."""

    async def add_organization(self, organization: Organization, owner: UserId) -> None:
        """Keep a new organization with its owner."""
        ...

    async def add_space(self, space: Space, owner: UserId) -> None:
        """Keep a new space with its owner; a service becomes its admin instead.

        Raises:
            OrganizationNotFound: the organization does not exist.
        """
        ...

    async def role_in(self, organization: OrganizationId, user: UserId) -> Role | None:
        """The user's role in the organization; None without one, or without the organization."""
        ...

    async def access_to(self, space: SpaceId, user: UserId) -> SpaceAccess | None:
        """The role that counts for the user in the space, in one query.

        None without a standing there, or without the space: both alike, and both alike dear.
        """
        ...

    async def standings_of(
        self, user: UserId, organization: OrganizationId | None
    ) -> tuple[SpaceAccess, ...]:
        """The role that counts in each space that the user may enter, oldest space first.

        Those of `organization` alone when one is given. To go with an epoch, ask for that first:
        what is read after it is never older than it.
        """
        ...

    async def epoch_of(self, user: UserId) -> int:
        """How often the user's standing has changed; 0 when it never has."""
        ...
