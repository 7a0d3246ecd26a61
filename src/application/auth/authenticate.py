"""Turn a request's headers into its context: the one place where every transport is let in."""

from uuid import UUID

from application.context import Caller, RequestContext, SpaceHeaderMissing
from application.ports.tenancy_store import TenancyStore
from application.ports.token_signer import TokenSigner
from domain.auth.claims import Claims, TokenMissing
from domain.errors import InvalidInput
from domain.identifiers import SpaceId
from domain.tenancy.access import SpaceAccess
from domain.tenancy.space import SpaceNotFound

_SCHEME = "bearer "


class Authenticate:
    def __init__(self, *, signer: TokenSigner, tenancy: TenancyStore) -> None:
        self._signer = signer
        self._tenancy = tenancy

    async def __call__(
        self,
        *,
        authorization: str | None,
        space_header: str | None,
        caller: Caller,
        needs_space: bool,
    ) -> RequestContext:
        """Verify the token locally; resolve the space, if the call is space-scoped, in one query.

        Raises:
            TokenMissing, TokenRejected: no identity.
            SpaceHeaderMissing: the call needs `x-space-id` and has none, or more than a UUID.
            SpaceNotFound: no such space, or none that the caller may enter.
        """
        claims = self._signer.verify(_bearer(authorization))
        access = await self._enter(claims, space_header) if needs_space else None
        return RequestContext(claims=claims, caller=caller, space=access)

    async def _enter(self, claims: Claims, space_header: str | None) -> SpaceAccess:
        if not space_header:
            raise SpaceHeaderMissing
        try:
            space = SpaceId(UUID(space_header))
        except ValueError:
            raise InvalidInput("x-space-id is not a UUID", field="x-space-id") from None
        access = await self._tenancy.access_to(space, claims.subject)
        if access is None:
            raise SpaceNotFound
        return access


def _bearer(authorization: str | None) -> str:
    if not authorization or not authorization.lower().startswith(_SCHEME):
        raise TokenMissing
    return authorization[len(_SCHEME) :].strip()
