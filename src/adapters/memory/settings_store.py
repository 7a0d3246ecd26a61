"""Brand voice and facts in memory, every version kept."""

from collections import defaultdict

from application.ports.clock import Clock
from domain.identifiers import SpaceId, UserId
from domain.tenancy.settings import SettingsVersion, SpaceSettings
from domain.tenancy.space import SpaceNotFound


class MemorySettingsStore:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._versions: defaultdict[SpaceId, list[SettingsVersion]] = defaultdict(list)
        self._erased: set[SpaceId] = set()

    async def get(self, space: SpaceId) -> SpaceSettings:
        versions = self._versions.get(space)
        return versions[-1].settings if versions else SpaceSettings()

    async def put(self, space: SpaceId, settings: SpaceSettings, editor: UserId) -> None:
        if space in self._erased:
            raise SpaceNotFound
        versions = self._versions[space]
        versions.append(
            SettingsVersion(
                version=len(versions) + 1,
                settings=settings,
                editor=editor,
                create_time=self._clock.now(),
            )
        )

    async def versions(
        self, space: SpaceId, *, before: int | None, limit: int
    ) -> tuple[SettingsVersion, ...]:
        versions = self._versions.get(space, [])
        found = [one for one in versions if before is None or one.version < before]
        return tuple(reversed(found))[:limit]

    def remove(self, space: SpaceId) -> int:
        """Every version of a space that goes; how many there were."""
        self._erased.add(space)
        return len(self._versions.pop(space, []))
