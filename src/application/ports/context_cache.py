from typing import Protocol

from domain.identifiers import SpaceId
from domain.tenancy.context_key import CachedAccess, ContextKey


class ContextCache(Protocol):
    """Standings in spaces that were looked up before. It may forget any of them at any time."""

    async def get(self, key: ContextKey) -> CachedAccess | None:
        """What was put under exactly this key at most five minutes ago; None otherwise.

        Never raises: a cache that is away, or holds something else there, knows nothing.
        """
        ...

    async def put(self, key: ContextKey, access: CachedAccess) -> None:
        """Remember for five minutes at most. Never raises."""
        ...

    async def forget(self, space: SpaceId) -> int:
        """Drop all that is known of a space; how many entries it was. Raises Unavailable."""
        ...
