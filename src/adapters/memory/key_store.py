"""Sealed signing keys in memory."""

from application.ports.key_store import KeysDecided
from domain.auth.signing_key import SealedKey


class MemoryKeyStore:
    def __init__(self) -> None:
        self._keys: tuple[SealedKey, ...] = ()

    async def all(self) -> tuple[SealedKey, ...]:
        return self._keys

    async def change(self, decide: KeysDecided) -> tuple[SealedKey, ...]:
        # Nothing is awaited between the look and the change: nobody comes between.
        decided = decide(self._keys)
        self._keys = tuple(sorted(decided, key=lambda key: key.times.activate_time))
        return self._keys
