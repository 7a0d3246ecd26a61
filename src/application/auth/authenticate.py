"""Turn a request's headers into its context: the one place where every transport is let in."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from application.auth.authority import AuthorityWatch
from application.context import Caller, RequestContext, SpaceHeaderMissing
from application.ports.token_signer import TokenSigner
from application.tenancy.contexts import SpaceContexts
from domain.auth.claims import Claims, TokenMissing, TokenRejected
from domain.auth.revocation import Verdict
from domain.errors import InvalidInput
from domain.identifiers import SpaceId
from domain.tenancy.access import SpaceAccess
from domain.tenancy.space import SpaceNotFound

_SCHEME = "bearer "


class Authenticate:
    def __init__(
        self,
        *,
        signer: TokenSigner,
        refresh_keys: Callable[[], Awaitable[None]],
        authority: AuthorityWatch,
        contexts: SpaceContexts,
    ) -> None:
        self._signer = signer
        self._refresh_keys = refresh_keys
        self._authority = authority
        self._contexts = contexts

    async def __call__(
        self,
        *,
        authorization: str | None,
        space_header: str | None,
        caller: Caller,
        needs_space: bool,
    ) -> RequestContext:
        """Verify the token; resolve the space, if the call is space-scoped.

        All of it without a query, while the token says what its user may do and that still holds.

        Raises:
            TokenMissing, TokenRejected: no identity.
            AuthorityUnknown: it cannot be told whether the token still counts.
            SpaceHeaderMissing: the call needs `x-space-id` and has none, or more than a UUID.
            SpaceNotFound: no such space, or none that the caller may enter.
        """
        claims = await self._verified(_bearer(authorization))
        await self._authority.fresh()
        claims = self._believed(claims)
        access = await self._enter(claims, space_header) if needs_space else None
        return RequestContext(claims=claims, caller=caller, space=access)

    async def access(self, claims: Claims, space: SpaceId) -> SpaceAccess | None:
        """How somebody with these claims stands in a space now; None for a stranger there.

        Raises:
            TokenRejected: the claims count no more.
        """
        believed = self._believed(claims)
        organization = believed.organization_id
        if organization is not None and believed.spaces is not None:
            role = believed.spaces.get(space)
            if role is None:
                return None
            return SpaceAccess(organization_id=organization, space_id=space, role=role)
        epoch = max(claims.epoch, self._authority.epoch_of(claims.subject))
        return await self._contexts.access(claims.subject, epoch, organization, space)

    async def _verified(self, token: str) -> Claims:
        try:
            return self._signer.verify(token)
        except TokenRejected as rejected:
            if not rejected.key_unknown:
                raise
            # Another process may have made the key since this one looked.
            await self._refresh_keys()
            return self._signer.verify(token)

    def _believed(self, claims: Claims) -> Claims:
        """The claims, without what they say of permissions and spaces once that is stale."""
        verdict = self._authority.verdict(claims)
        if verdict is Verdict.REVOKED:
            raise TokenRejected
        if verdict is Verdict.STALE:
            return replace(claims, permissions=frozenset(), spaces=None)
        return claims

    async def _enter(self, claims: Claims, space_header: str | None) -> SpaceAccess:
        if not space_header:
            raise SpaceHeaderMissing
        try:
            space = SpaceId(UUID(space_header))
        except ValueError:
            raise InvalidInput("x-space-id is not a UUID", field="x-space-id") from None
        access = await self.access(claims, space)
        if access is None:
            raise SpaceNotFound
        return access


def _bearer(authorization: str | None) -> str:
    if not authorization or not authorization.lower().startswith(_SCHEME):
        raise TokenMissing
    return authorization[len(_SCHEME) :].strip()
