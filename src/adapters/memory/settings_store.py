"""Brand voice and facts in memory, every version kept."""

from collections import defaultdict

from domain.identifiers import SpaceId, UserId
from domain.tenancy.settings import SpaceSettings


class MemorySettingsStore:
    def __init__(self) -> None:
        self._versions: defaultdict[SpaceId, list[tuple[SpaceSettings, UserId]]]
        self._versions = defaultdict(list)

    async def get(self, space: SpaceId) -> SpaceSettings:
        versions = self._versions.get(space)
        return versions[-1][0] if versions else SpaceSettings()

    async def put(self, space: SpaceId, settings: SpaceSettings, editor: UserId) -> None:
        self._versions[space].append((settings, editor))
