"""Chance that comes out the same for the same seed."""

from base64 import urlsafe_b64encode
from random import Random
from uuid import UUID

_EPOCH_MS = 1_767_225_600_000
_VERSION, _VARIANT = 0x7 << 76, 0b10 << 62


class SeededEntropy:
    """For tests and examples: its nonces and secrets can be guessed by whoever knows the seed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)  # noqa: S311 - to be repeated is the point
        self._milliseconds = _EPOCH_MS

    def uuid(self) -> UUID:
        # One millisecond a UUID, from 2026 on, so that their order is that of their making.
        self._milliseconds += 1
        high, low = self._random.getrandbits(12), self._random.getrandbits(62)
        return UUID(int=self._milliseconds << 80 | _VERSION | high << 64 | _VARIANT | low)

    def nonce(self) -> str:
        return f"{self._random.getrandbits(64):016x}"

    def secret(self) -> str:
        return urlsafe_b64encode(self._random.randbytes(32)).decode().rstrip("=")
