"""StartOidc and FinishOidc: the authorization code flow with PKCE at an OpenID provider.

What only we may know of a sign-in that has begun (nonce, code verifier) is kept sealed under the
hash of its state, for ten minutes and for one use.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from datetime import timedelta

from application.auth.attempts import Attempt, Attempts, key_of, network_of
from application.auth.oidc_accounts import OidcAccounts
from application.auth.sessions import Sessions
from application.context import Caller
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.oidc_client import OidcClient
from application.ports.oidc_store import OidcStore
from application.ports.sealer import Sealer
from domain.auth.oidc import (
    OidcAnswer,
    OidcProvider,
    OidcProviderNotFound,
    OidcRefused,
    OidcRequest,
    RedirectNotAllowed,
    code_challenge,
)
from domain.auth.rate import Rate
from domain.auth.session import TokenSet

FLOW_LIFETIME = timedelta(minutes=10)
_STARTS = Rate(limit=120, seconds=15 * 60.0)
_log = logging.getLogger(__name__)


class OidcProviders:
    """The providers of the settings, in their order."""

    def __init__(self, providers: Sequence[OidcProvider]) -> None:
        self._providers = {provider.name: provider for provider in providers}

    def __call__(self) -> tuple[OidcProvider, ...]:
        """All of them, for whoever wants to sign in."""
        return tuple(self._providers.values())

    def named(self, name: str) -> OidcProvider:
        """Raises OidcProviderNotFound."""
        found = self._providers.get(name)
        if found is None:
            raise OidcProviderNotFound
        return found


class StartOidc:
    def __init__(
        self,
        *,
        providers: OidcProviders,
        client: OidcClient,
        store: OidcStore,
        sealer: Sealer,
        attempts: Attempts,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._providers = providers
        self._client = client
        self._store = store
        self._sealer = sealer
        self._attempts = attempts
        self._clock = clock
        self._entropy = entropy

    async def __call__(
        self, *, provider: str, redirect_uri: str, caller: Caller
    ) -> tuple[str, str]:
        """Where to send the person's browser, and the state that must come back with them.

        Raises:
            OidcProviderNotFound, RedirectNotAllowed: the settings know of neither.
            OidcUnavailable: the provider does not answer.
            TooManyAttempts: too many were begun from this network.
        """
        known = self._providers.named(provider)
        if redirect_uri not in known.redirect_uris:
            raise RedirectNotAllowed
        await self._attempts.begin(_start_from(caller))
        state, nonce, verifier = (self._entropy.secret() for _ in range(3))
        url = await self._client.authorization_url(
            provider,
            OidcRequest(
                redirect_uri=redirect_uri,
                state=state,
                nonce=nonce,
                code_challenge=code_challenge(verifier),
            ),
        )
        digest = _digest(state)
        kept = json.dumps([redirect_uri, nonce, verifier]).encode()
        sealed = await self._sealer.seal(kept, purpose=_purpose(provider, digest))
        now = self._clock.now()
        await self._store.begin(digest, provider, sealed, now + FLOW_LIFETIME, now=now)
        return url, state


class FinishOidc:
    def __init__(
        self,
        *,
        providers: OidcProviders,
        client: OidcClient,
        store: OidcStore,
        sealer: Sealer,
        accounts: OidcAccounts,
        sessions: Sessions,
        clock: Clock,
    ) -> None:
        self._providers = providers
        self._client = client
        self._store = store
        self._sealer = sealer
        self._accounts = accounts
        self._sessions = sessions
        self._clock = clock

    async def __call__(self, *, state: str, code: str, issuer: str, caller: Caller) -> TokenSet:
        """The state is used up, whatever comes of it. `issuer` is the `iss` that came along.

        Raises:
            OidcRefused: unknown, used or over, or what the provider sent does not hold.
            OidcUnavailable: the provider does not answer; begin again.
            EmailNotVerified, NotInvited, SignInRefused: the person may not come in.
        """
        provider, answer = await self._begun(state, code, issuer)
        person = await self._client.person(provider.name, answer)
        user = await self._accounts.user_for(provider, person)
        return await self._sessions.open(
            user=user.user_id, organization=None, caller=caller, operator=user.operator
        )

    async def _begun(self, state: str, code: str, issuer: str) -> tuple[OidcProvider, OidcAnswer]:
        digest = _digest(state)
        begun = await self._store.take(digest, self._clock.now())
        if begun is None:
            _log.info("a sign-in at a provider came back with a state that is not known any more")
            raise OidcRefused
        name, sealed = begun
        try:
            provider = self._providers.named(name)
        except OidcProviderNotFound:
            raise OidcRefused from None
        opened = await self._sealer.open(sealed, purpose=_purpose(name, digest))
        redirect_uri, nonce, verifier = json.loads(opened)
        answer = OidcAnswer(
            code=code,
            issuer=issuer,
            redirect_uri=redirect_uri,
            nonce=nonce,
            code_verifier=verifier,
        )
        return provider, answer


def _start_from(caller: Caller) -> Attempt:
    return Attempt(key=key_of("oidc", network_of(caller.address)), rate=_STARTS)


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).digest()


def _purpose(provider: str, digest: bytes) -> str:
    return f"oidc-flow:{provider}:{digest.hex()}"
