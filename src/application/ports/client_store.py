from collections.abc import Mapping
from typing import Protocol

from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role
from domain.tenancy.client import KnownClient, ServiceClient


class ClientStore(Protocol):
    """The services of an organization; of a secret only the digest is kept."""

    async def add(
        self,
        client: ServiceClient,
        secret_hash: bytes,
        role: Role,
        space_roles: Mapping[SpaceId, Role],
        *,
        giver: UserId,
    ) -> None:
        """Keep a new one and make it a member, if `giver` may give these roles at that moment.

        Raises:
            OrganizationNotFound: the giver is no member any more.
            ActionNotAllowed, RoleAboveOwn, SpaceNotFound: see `check_grant`.
            TooManyServiceClients: MAX_SERVICE_CLIENTS of the organization are not revoked.
        """
        ...

    async def list(self, organization: OrganizationId) -> tuple[ServiceClient, ...]:
        """The organization's, revoked ones too, oldest first."""
        ...

    async def revoke(self, organization: OrganizationId, client: UserId) -> None:
        """End it for good: no membership, no session, and every token of its is void.

        Idempotent. Raises ServiceClientNotFound, also for another organization's.
        """
        ...

    async def client_by_id(self, client: UserId) -> KnownClient | None:
        """Whatever organization it belongs to, for its sign-in; None when there is none."""
        ...
