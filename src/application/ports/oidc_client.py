from typing import Protocol

from domain.auth.oidc import OidcAnswer, OidcPerson, OidcRequest


class OidcClient(Protocol):
    """Speaks to the OpenID providers of the settings, and to nobody else."""

    async def authorization_url(self, provider: str, request: OidcRequest) -> str:
        """Where to send a person's browser: the authorization code flow, with PKCE.

        Raises:
            OidcUnavailable: the provider cannot be asked where that is.
        """
        ...

    async def person(self, provider: str, answer: OidcAnswer) -> OidcPerson:
        """Trade the code for an ID token, and read whom it vouches for.

        The token was signed by the provider's own key, for us, for this very request, and is in its
        time; the answer came from this provider and no other.

        Raises:
            OidcRefused: the code, or anything in the token, does not hold.
            OidcUnavailable: the provider does not answer as it should.
        """
        ...
