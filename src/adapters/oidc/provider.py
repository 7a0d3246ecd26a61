"""One OpenID provider: its metadata and its keys, kept for a while and looked up again."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import quote_plus

import httpx

from adapters.oidc.fetch import Fetcher, FetchFailed, Json, origin
from adapters.oidc.id_token import Jwk, TokenInvalid, key_id, read_id_token, signing_keys
from adapters.oidc.metadata import Metadata, metadata_url, read_metadata
from application.ports.clock import Clock
from domain.auth.oidc import OidcAnswer, OidcPerson, OidcRefused, OidcRequest, OidcUnavailable

_METADATA_SECONDS = 3600.0
_KEYS_SECONDS = 3600.0
# A token with a key that is not known may only cost the provider so many questions.
_SHORTEST_SECONDS_BETWEEN_LOOKS = 5.0
_REFUSALS = frozenset({"invalid_grant", "invalid_request", "access_denied"})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAccess:
    """How we are known to a provider. `hosts` are further ones whose addresses it may name."""

    name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    hosts: tuple[str, ...] = ()

    def origins(self) -> frozenset[str]:
        """Whom we may ask."""
        return frozenset({origin(self.issuer), *(origin(f"https://{host}") for host in self.hosts)})


class Provider:
    def __init__(self, access: ProviderAccess, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        self._fetch = Fetcher(access.origins())
        self._metadata: Metadata | None = None
        self._metadata_until = float("-inf")
        self._keys: list[Jwk] = []
        self._looked = float("-inf")
        self._looking = asyncio.Lock()

    async def close(self) -> None:
        """Close every connection."""
        await self._fetch.close()

    async def authorization_url(self, request: OidcRequest) -> str:
        """See OidcClient."""
        metadata = await self._known()
        asked = {
            "response_type": "code",
            "client_id": self._access.client_id,
            "redirect_uri": request.redirect_uri,
            "scope": " ".join(self._access.scopes),
            "state": request.state,
            "nonce": request.nonce,
            "code_challenge": request.code_challenge,
            "code_challenge_method": "S256",
        }
        return str(httpx.URL(metadata.authorization_endpoint).copy_merge_params(asked))

    async def person(self, answer: OidcAnswer) -> OidcPerson:
        """See OidcClient."""
        metadata = await self._known()
        # Before the code goes anywhere: it may be another provider's, and meant to be stolen.
        if (answer.issuer or metadata.sends_issuer) and answer.issuer != self._access.issuer:
            self._refuse(f"the answer came from {answer.issuer!r:.200}")
        token = await self._redeemed(metadata, answer)
        try:
            algorithm, kid = key_id(token, metadata.algorithms)
            return read_id_token(
                token,
                algorithm=algorithm,
                keys=await self._signing_keys(metadata, kid),
                issuer=self._access.issuer,
                client_id=self._access.client_id,
                nonce=answer.nonce,
                now=self._clock.now(),
            )
        except TokenInvalid as error:
            self._refuse(str(error))

    async def _redeemed(self, metadata: Metadata, answer: OidcAnswer) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": answer.code,
            "redirect_uri": answer.redirect_uri,
            "code_verifier": answer.code_verifier,
        }
        client = (self._access.client_id, self._access.client_secret)
        if metadata.posts_secret:
            form |= {"client_id": client[0], "client_secret": client[1]}
        # RFC 6749, 2.3.1: both are form-encoded before they become a basic authorization.
        basic = None if metadata.posts_secret else (quote_plus(client[0]), quote_plus(client[1]))
        try:
            given = await self._fetch.post(metadata.token_endpoint, form, basic=basic)
        except FetchFailed as error:
            raise self._unavailable(error) from error
        if given.status == httpx.codes.OK and isinstance(given.body.get("id_token"), str):
            return str(given.body["id_token"])
        why = given.body.get("error")
        if given.status == httpx.codes.BAD_REQUEST and why in _REFUSALS:
            self._refuse(f"the code was refused: {why}")
        raise self._unavailable(
            FetchFailed(f"the token endpoint answers with status {given.status} ({why!r:.100})")
        )

    async def _signing_keys(self, metadata: Metadata, kid: str | None) -> list[Jwk]:
        found = signing_keys(self._keys, kid)
        age = self._clock.monotonic() - self._looked
        if (not found and age >= _SHORTEST_SECONDS_BETWEEN_LOOKS) or age >= _KEYS_SECONDS:
            await self._look(metadata)
            found = signing_keys(self._keys, kid)
        return found

    async def _look(self, metadata: Metadata) -> None:
        began = self._clock.monotonic()
        async with self._looking:
            if self._looked > began:
                return
            try:
                body = await self._fetch.get(metadata.jwks_uri)
            except FetchFailed as error:
                raise self._unavailable(error) from error
            self._keys, self._looked = _keys_of(body), self._clock.monotonic()

    async def _known(self) -> Metadata:
        if self._metadata is not None and self._clock.monotonic() < self._metadata_until:
            return self._metadata
        async with self._looking:
            try:
                body = await self._fetch.get(metadata_url(self._access.issuer))
                self._metadata = read_metadata(self._access.issuer, body)
            except FetchFailed as error:
                raise self._unavailable(error) from error
            self._metadata_until = self._clock.monotonic() + _METADATA_SECONDS
            return self._metadata

    def _refuse(self, why: str) -> NoReturn:
        _log.warning("a sign-in at the provider %s was refused: %s", self._access.name, why)
        raise OidcRefused

    def _unavailable(self, why: Exception) -> OidcUnavailable:
        _log.warning("the provider %s cannot be used: %s", self._access.name, why)
        return OidcUnavailable(self._access.name)


def _keys_of(body: Json) -> list[Jwk]:
    keys = body.get("keys")
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
