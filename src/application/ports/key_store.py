from collections.abc import Callable
from typing import Protocol

from domain.auth.signing_key import SealedKey

KeysDecided = Callable[[tuple[SealedKey, ...]], tuple[SealedKey, ...]]


class KeyStore(Protocol):
    """The installation's signing keys, sealed, shared by all of its processes."""

    async def all(self) -> tuple[SealedKey, ...]:
        """Every key, in the order in which they begin to sign."""
        ...

    async def change(self, decide: KeysDecided) -> tuple[SealedKey, ...]:
        """Keep exactly what `decide` makes of the keys there are; returns that.

        One change at a time among all processes: `decide` sees what the one before it left, and
        what it raises changes nothing. It does not wait for anything, for others wait for it.
        """
        ...
