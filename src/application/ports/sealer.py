from typing import Protocol


class Sealer(Protocol):
    """Authenticated encryption of small secrets at rest, by a key that is kept elsewhere."""

    async def seal(self, plain: bytes, *, purpose: str) -> bytes:
        """`plain`, unreadable, bound to `purpose`; twice the same never looks the same."""
        ...

    async def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """What was sealed for this very purpose.

        Raises:
            MasterKeyWrong: it was sealed by another key; with the right one it would open.
            SealBroken: it was changed since, or sealed for another purpose.
        """
        ...
