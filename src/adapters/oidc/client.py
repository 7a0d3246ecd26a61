"""The OpenID providers of the settings, by name."""

import asyncio
from collections.abc import Sequence

from adapters.oidc.provider import Provider, ProviderAccess
from application.ports.clock import Clock
from domain.auth.oidc import OidcAnswer, OidcPerson, OidcProviderNotFound, OidcRequest


class HttpOidcClient:
    def __init__(self, accesses: Sequence[ProviderAccess], clock: Clock) -> None:
        self._providers = {access.name: Provider(access, clock) for access in accesses}

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(provider.close() for provider in self._providers.values()))

    async def authorization_url(self, provider: str, request: OidcRequest) -> str:
        return await self._named(provider).authorization_url(request)

    async def person(self, provider: str, answer: OidcAnswer) -> OidcPerson:
        return await self._named(provider).person(answer)

    def _named(self, name: str) -> Provider:
        found = self._providers.get(name)
        if found is None:
            raise OidcProviderNotFound
        return found
