from collections.abc import Sequence
from typing import Protocol

from domain.auth.claims import Claims
from domain.auth.key_rotation import KeyChain
from domain.auth.signing_key import KeyPair


class TokenSigner(Protocol):
    """Signs and verifies access tokens; both are local, and need no query."""

    def sign(self, claims: Claims) -> str:
        """A token of at most 4,096 characters, by the key whose turn it is now.

        `spaces` that would not fit are left out: verified, the token has None in their place.

        Raises:
            KeysNotKnown: what is known of the keys is too old to sign by.
            TokenTooLong: it would outlive the keys that verify it.
        """
        ...

    def verify(self, token: str) -> Claims:
        """The claims of a token that is genuine, meant for this audience, and in its time.

        Raises:
            TokenRejected: anything else, whatever it is; with `key_unknown` when it names a key
                that may be newer than what is known here.
        """
        ...

    async def learn(self, keys: Sequence[KeyPair], chain: KeyChain, *, fresh_until: float) -> None:
        """Use the keys of `chain` from now on, and sign by them until `fresh_until` (monotonic).

        Raises:
            SigningKeyUnusable: a pair is no RSA key, or its halves do not belong together; all
                stays as it was.
        """
        ...

    async def new_key(self) -> KeyPair:
        """A new pair that fits this signer."""
        ...
