from typing import Protocol
from uuid import UUID


class Entropy(Protocol):
    """Chance, as a dependency."""

    def uuid(self) -> UUID:
        """A new UUIDv7: later ones sort after earlier ones made by the same process."""
        ...

    def nonce(self) -> str:
        """16 unguessable hexadecimal characters."""
        ...

    def secret(self) -> str:
        """43 base64url characters of 256 unguessable bits: enough to be somebody's only proof."""
        ...
