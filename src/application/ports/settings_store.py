from typing import Protocol

from domain.identifiers import SpaceId, UserId
from domain.tenancy.settings import SettingsVersion, SpaceSettings


class SettingsStore(Protocol):
    """The brand voice and the facts of each space, in versions."""

    async def get(self, space: SpaceId) -> SpaceSettings:
        """The settings in force; empty ones when none were ever put."""
        ...

    async def put(self, space: SpaceId, settings: SpaceSettings, editor: UserId) -> None:
        """Make `settings` the ones in force; earlier versions are kept."""
        ...

    async def versions(
        self, space: SpaceId, *, before: int | None, limit: int
    ) -> tuple[SettingsVersion, ...]:
        """The latest `limit` versions, newest first; only those older than `before`, if given."""
        ...
