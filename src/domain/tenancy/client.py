"""An account for a backend service of an organization."""

from dataclasses import dataclass
from datetime import datetime

from domain.errors import NotFound, QuotaExceeded
from domain.identifiers import OrganizationId, UserId

MAX_SERVICE_CLIENTS = 200


class ServiceClientNotFound(NotFound):
    reason = "SERVICE_CLIENT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such service client", field="client_id")


class TooManyServiceClients(QuotaExceeded):
    reason = "TOO_MANY_SERVICE_CLIENTS"

    def __init__(self) -> None:
        super().__init__(
            f"an organization has at most {MAX_SERVICE_CLIENTS} service clients; revoke some"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceClient:
    """`client_id` is also its user id: it is a member like any other, but never an owner."""

    client_id: UserId
    organization_id: OrganizationId
    display_name: str
    create_time: datetime
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownClient:
    """A service with the digest of its secret, for the one use case that compares it."""

    client: ServiceClient
    secret_hash: bytes
