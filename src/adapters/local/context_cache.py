"""Standings in spaces, remembered by this process alone."""

from collections import OrderedDict

from application.ports.clock import Clock
from domain.identifiers import SpaceId
from domain.tenancy.context_key import CachedAccess, ContextKey

_MOST = 16_384
_SECONDS = 300.0


class InProcessContextCache:
    """Keeps the entries that were used last, `most` of them."""

    def __init__(self, clock: Clock, *, most: int = _MOST) -> None:
        self._clock = clock
        self._most = most
        self._entries: OrderedDict[ContextKey, tuple[float, CachedAccess]] = OrderedDict()

    async def get(self, key: ContextKey) -> CachedAccess | None:
        expiry, found = self._entries.get(key, (0.0, None))
        if found is None:
            return None
        if self._clock.monotonic() >= expiry:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return found

    async def put(self, key: ContextKey, access: CachedAccess) -> None:
        self._entries[key] = (self._clock.monotonic() + _SECONDS, access)
        self._entries.move_to_end(key)
        while len(self._entries) > self._most:
            self._entries.popitem(last=False)

    async def forget(self, space: SpaceId) -> int:
        gone = [key for key in self._entries if key.space_id == space]
        for key in gone:
            del self._entries[key]
        return len(gone)
