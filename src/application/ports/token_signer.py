from typing import Protocol

from domain.auth.claims import Claims


class TokenSigner(Protocol):
    """Signs and verifies access tokens; both are local and need no query."""

    def sign(self, claims: Claims) -> str:
        """A compact JWS that carries `claims`."""
        ...

    def verify(self, token: str) -> Claims:
        """The claims of a token that is genuine, meant for this audience, and in its time.

        Raises:
            TokenRejected: anything else, whatever it is.
        """
        ...

    def public_keys_json(self) -> str:
        """The JWKS document (RFC 7517) of the keys that verify."""
        ...
