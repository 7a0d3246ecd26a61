"""IssueTokens: an access token that says who somebody is and what they may do, as of now."""

from dataclasses import replace
from datetime import timedelta

from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.tenancy_store import TenancyStore
from application.ports.token_signer import TokenSigner
from domain.auth.claims import Claims
from domain.auth.session import Session
from domain.identifiers import OrganizationId, UserId
from domain.tenancy.access import ORGANIZATION_PERMISSIONS, Action


class IssueTokens:
    def __init__(
        self,
        *,
        signer: TokenSigner,
        tenancy: TenancyStore,
        clock: Clock,
        entropy: Entropy,
        lifetime: timedelta,
    ) -> None:
        self._signer = signer
        self._tenancy = tenancy
        self._clock = clock
        self._entropy = entropy
        self._lifetime = lifetime

    async def __call__(self, session: Session, *, operator: bool) -> tuple[str, Claims]:
        """A signed token for the session, and what it says; it never outlives the session.

        The signer leaves the roles in spaces out where they would not fit; they are looked up then.
        """
        claims = await self._claims(session, operator)
        return self._signer.sign(claims), claims

    async def _claims(self, session: Session, operator: bool) -> Claims:
        user, organization = session.user_id, session.organization_id
        # Asked first: what is read after it is never older, so a race makes the token stale.
        epoch = await self._tenancy.epoch_of(user)
        now = self._clock.now()
        claims = Claims(
            subject=user,
            session_id=session.session_id,
            token_id=str(self._entropy.uuid()),
            issue_time=now,
            expire_time=min(now + self._lifetime, session.expire_time),
            epoch=epoch,
            organization_id=organization,
            operator=operator,
        )
        if organization is None:
            return claims
        standings = await self._tenancy.standings_of(user, organization)
        return replace(
            claims,
            permissions=await self.permissions(user, organization),
            spaces={standing.space_id: standing.role for standing in standings},
        )

    async def permissions(self, user: UserId, organization: OrganizationId) -> frozenset[Action]:
        """What the user may do in the organization now; nothing for a stranger."""
        role = await self._tenancy.role_in(organization, user)
        return ORGANIZATION_PERMISSIONS[role] if role else frozenset()
