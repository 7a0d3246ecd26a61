"""SpaceContexts: how somebody stands in a space, from the nearest place that knows."""

from collections.abc import Sequence

from application.ports.context_cache import ContextCache
from application.ports.tenancy_store import TenancyStore
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import SpaceAccess
from domain.tenancy.context_key import CachedAccess, ContextKey, context_key


class SpaceContexts:
    def __init__(self, *, tenancy: TenancyStore, caches: Sequence[ContextCache]) -> None:
        """`caches`, nearest first: the first is this process's own."""
        self._tenancy = tenancy
        self._caches = tuple(caches)

    async def access(
        self, user: UserId, epoch: int, organization: OrganizationId | None, space: SpaceId
    ) -> SpaceAccess | None:
        """The role that counts in the space; None for one that is foreign, missing or outside.

        `epoch` is the user's own as it is known now, so nothing older is ever answered.
        `organization`, when given, is the only one whose spaces are looked at.
        """
        key = context_key(organization=organization, space=space, principal=user, epoch=epoch)
        for place, cache in enumerate(self._caches):
            if (found := await cache.get(key)) is not None:
                await self._remember(key, found, self._caches[:place])
                return found.access
        access = await self._tenancy.access_to(space, user)
        if access is not None and organization not in (None, access.organization_id):
            access = None
        await self._remember(key, CachedAccess(key=str(key), access=access), self._caches)
        return access

    async def _remember(
        self, key: ContextKey, found: CachedAccess, caches: Sequence[ContextCache]
    ) -> None:
        # Anybody can ask for spaces that do not exist, so what is not there stays in this process.
        for cache in caches if found.access is not None else caches[:1]:
            await cache.put(key, found)
