"""An OpenID provider in memory: what it is told it believes, and what it hands out works once."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from domain.auth.oidc import (
    OidcAnswer,
    OidcPerson,
    OidcProvider,
    OidcProviderNotFound,
    OidcRefused,
    OidcRequest,
    OidcUnavailable,
    code_challenge,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    provider: str
    redirect_uri: str
    nonce: str
    challenge: str
    person: OidcPerson


class MemoryOidcClient:
    """`visit` is what a person does there; `down` makes every provider silent."""

    def __init__(self, providers: Sequence[OidcProvider]) -> None:
        self._providers = {provider.name: provider for provider in providers}
        self._grants: dict[str, _Grant] = {}
        self._codes = itertools.count(1)
        self.down = False

    async def authorization_url(self, provider: str, request: OidcRequest) -> str:
        issuer = self._known(provider).issuer
        asked = {
            "provider": provider,
            "response_type": "code",
            "redirect_uri": request.redirect_uri,
            "state": request.state,
            "nonce": request.nonce,
            "code_challenge": request.code_challenge,
            "code_challenge_method": "S256",
        }
        return f"{issuer}/authorize?{urlencode(asked)}"

    async def person(self, provider: str, answer: OidcAnswer) -> OidcPerson:
        issuer = self._known(provider).issuer
        if answer.issuer not in ("", issuer):
            raise OidcRefused
        grant = self._grants.pop(answer.code, None)
        if grant is None or grant.provider != provider:
            raise OidcRefused
        expected = (grant.redirect_uri, grant.nonce, grant.challenge)
        if expected != (answer.redirect_uri, answer.nonce, code_challenge(answer.code_verifier)):
            raise OidcRefused
        return grant.person

    def visit(self, url: str, person: OidcPerson) -> str:
        """Sign in at the provider as `person`; the code that comes back."""
        asked = dict(parse_qsl(urlsplit(url).query))
        code = f"code-{next(self._codes)}"
        self._grants[code] = _Grant(
            provider=asked["provider"],
            redirect_uri=asked["redirect_uri"],
            nonce=asked["nonce"],
            challenge=asked["code_challenge"],
            person=person,
        )
        return code

    def _known(self, name: str) -> OidcProvider:
        if name not in self._providers:
            raise OidcProviderNotFound
        if self.down:
            raise OidcUnavailable(name)
        return self._providers[name]
