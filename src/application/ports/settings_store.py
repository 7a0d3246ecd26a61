from typing import Protocol

from domain.identifiers import SpaceId, UserId
from domain.tenancy.settings import SpaceSettings


class SettingsStore(Protocol):
    """The brand voice and the facts of each space, in versions."""

    async def get(self, space: SpaceId) -> SpaceSettings:
        """The settings in force; empty ones when none were ever put."""
        ...

    async def put(self, space: SpaceId, settings: SpaceSettings, editor: UserId) -> None:
        """Make `settings` the ones in force; earlier versions are kept."""
        ...
