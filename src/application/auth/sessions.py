"""Sessions: opened by a sign-in, renewed by refresh tokens, ended for good.

A refresh token works once. A second use ends its session, with no period of grace: whoever holds a
copy could use that as well as its owner. See docs/adr/0012.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from application.auth.attempts import Attempt, Attempts, key_of
from application.auth.issue_tokens import IssueTokens
from application.context import Caller, RequestContext
from application.ports.authority_feed import AuthorityFeed
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.session_store import SessionStore
from application.ports.tenancy_store import TenancyStore
from application.ports.tenant_directory import TenantDirectory
from domain.auth.claims import require_operator
from domain.auth.rate import Rate
from domain.auth.revocation import token_revoked
from domain.auth.session import (
    RefreshToken,
    RefreshTokenRejected,
    Session,
    TokenSet,
    described,
    refresh_token_hash,
)
from domain.errors import InvalidInput
from domain.identifiers import OrganizationId, SessionId, UserId
from domain.tenancy.organization import OrganizationNotFound

_MAX_TOKEN_ID_CHARACTERS = 64
_SECOND = timedelta(seconds=1)
_JUST_NOW = timedelta(minutes=10)
_TOKENS_REVOKED = Rate(limit=100, seconds=3600.0)
_OPENED = Rate(limit=600, seconds=3600.0)
_log = logging.getLogger(__name__)


class Sessions:
    def __init__(
        self,
        *,
        store: SessionStore,
        feed: AuthorityFeed,
        tenancy: TenancyStore,
        directory: TenantDirectory,
        issue: IssueTokens,
        attempts: Attempts,
        settle: Callable[[], Awaitable[None]],
        clock: Clock,
        entropy: Entropy,
        lifetime: timedelta,
        unrenewed_lifetime: timedelta,
    ) -> None:
        """`lifetime` counts from the sign-in, however often it is renewed; a session that cannot
        be renewed lives as long as an access token."""
        self._store = store
        self._feed = feed
        self._tenancy = tenancy
        self._directory = directory
        self._issue = issue
        self._attempts = attempts
        self._settle = settle
        self._clock = clock
        self._entropy = entropy
        self._lifetime = lifetime
        self._unrenewed_lifetime = unrenewed_lifetime

    async def open(
        self,
        *,
        user: UserId,
        organization: OrganizationId | None,
        caller: Caller,
        operator: bool = False,
        renewable: bool = True,
        bound: bool = True,
    ) -> TokenSet:
        """Open a session for somebody who has proved who they are.

        Its tokens are bound to `organization`, or else to the only one that the user is in, or to
        none at all without `bound`.

        Raises:
            OrganizationNotFound: the user is no member of `organization`.
            SessionRefused: the user may not sign in.
            TooManyAttempts: this user or service opens them without end.
        """
        key = key_of("open-session", str(user))
        await self._attempts.begin(Attempt(key=key, rate=_OPENED))
        if bound:
            organization = await self._bound(user, organization)
        now = self._clock.now()
        address, user_agent = described(caller.address, caller.user_agent)
        session = Session(
            session_id=SessionId(self._entropy.uuid()),
            user_id=user,
            organization_id=organization,
            address=address,
            user_agent=user_agent,
            create_time=now,
            expire_time=now + (self._lifetime if renewable else self._unrenewed_lifetime),
        )
        refresh = self._entropy.secret() if renewable else None
        await self._store.open(session, _kept(refresh, session) if refresh else None)
        return await self._tokens(session, refresh, operator)

    async def refresh(
        self, refresh_token: str, organization: OrganizationId | None, caller: Caller
    ) -> TokenSet:
        """Trade a refresh token for the next pair; `organization` binds the session to another.

        Without one, tokens stay bound as they were. To an organization that the user has left, they
        open nothing: identity holds, and another organization can be asked for.

        Raises:
            RefreshTokenRejected: it is unknown, used, or over; in its second use its session ends.
            OrganizationNotFound: the user is no member of `organization`; the token still works.
        """
        successor = self._entropy.secret()
        now = self._clock.now()
        renewal = await self._store.rotate(
            refresh_token_hash(refresh_token),
            RefreshToken(
                token_hash=refresh_token_hash(successor), expire_time=now + self._lifetime
            ),
            organization,
            now,
        )
        if renewal is None:
            _log.warning(
                "a refresh token came a second time, from %s; its session was ended"
                " (correlation id %s)",
                caller.address or "an unknown address",
                caller.correlation_id,
            )
            await self._settle()
            raise RefreshTokenRejected
        return await self._tokens(renewal.session, successor, renewal.operator)

    async def withdraw(self, tokens: TokenSet) -> None:
        """End a session whose tokens were not handed out yet."""
        await self._store.end(tokens.user_id, tokens.session_id, self._clock.now())

    async def end(self, context: RequestContext) -> None:
        """End the session of the request's own token."""
        await self.revoke_session(context, context.claims.session_id)

    async def end_all(self, user: UserId, *, except_session: SessionId | None = None) -> int:
        """End every session of the user's but one; how many were open."""
        now = self._clock.now()
        ended = await self._store.end_all(user, spare=except_session, now=now)
        if except_session is None:
            await self._settle_past(now)
        else:
            await self._settle()
        return ended

    async def list(self, context: RequestContext) -> tuple[Session, ...]:
        """The caller's open sessions, newest first."""
        return await self._store.open_sessions(context.user_id, self._clock.now())

    async def opened_just_now(self, context: RequestContext) -> bool:
        """Whether the session of the request's token began at most ten minutes ago; renewing it
        makes it no younger."""
        since = self._clock.now() - _JUST_NOW
        mine = [s for s in await self.list(context) if s.session_id == context.claims.session_id]
        return any(session.create_time >= since for session in mine)

    async def revoke_session(self, context: RequestContext, session: SessionId) -> None:
        """End one of the caller's sessions. Raises SessionNotFound, also for somebody else's."""
        await self._store.end(context.user_id, session, self._clock.now())
        await self._settle()

    async def revoke_token(self, context: RequestContext, token_id: str) -> None:
        """Revoke one of the caller's access tokens by its `jti`.

        Raises InvalidInput, and TooManyAttempts: every process keeps what was revoked for a day.
        """
        if not 1 <= len(token_id) <= _MAX_TOKEN_ID_CHARACTERS or not token_id.isprintable():
            raise InvalidInput(
                f"token_id is the token's `jti`: 1 to {_MAX_TOKEN_ID_CHARACTERS} characters",
                field="token_id",
            )
        key = key_of("revoke-token", str(context.user_id))
        await self._attempts.begin(Attempt(key=key, rate=_TOKENS_REVOKED))
        await self._feed.tell(token_revoked(context.user_id, token_id, self._clock.now()))
        await self._settle()

    async def revoke_user(self, context: RequestContext, user: UserId, *, disable: bool) -> None:
        """End every session and token of a user or service; with `disable`, for good.

        Raises:
            OperatorOnly: the caller runs nothing here.
            UserNotFound: there is no such user and no such service.
        """
        require_operator(context.claims)
        now = self._clock.now()
        await self._store.revoke_user(user, disable=disable, now=now)
        await self._settle_past(now)

    async def _settle_past(self, now: datetime) -> None:
        """Tokens tell the second that they were issued in: the next sign-in's must be later."""
        await self._settle()
        while self._clock.now() < now.replace(microsecond=0) + _SECOND:
            await self._settle()

    async def _bound(
        self, user: UserId, organization: OrganizationId | None
    ) -> OrganizationId | None:
        if organization is None:
            mine = await self._directory.organizations_of(user)
            return mine[0].organization_id if len(mine) == 1 else None
        if await self._tenancy.role_in(organization, user) is None:
            raise OrganizationNotFound
        return organization

    async def _tokens(self, session: Session, refresh: str | None, operator: bool) -> TokenSet:
        token, claims = await self._issue(session, operator=operator)
        return TokenSet(
            access_token=token,
            access_expire_time=claims.expire_time,
            refresh_token=refresh,
            refresh_expire_time=session.expire_time if refresh else None,
            session_id=session.session_id,
            user_id=session.user_id,
            organization_id=session.organization_id,
        )


def _kept(refresh: str, session: Session) -> RefreshToken:
    return RefreshToken(token_hash=refresh_token_hash(refresh), expire_time=session.expire_time)
