"""Brand voice and facts in Postgres, every version kept."""

import json

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.identifiers import SpaceId, UserId
from domain.plain import from_plain, to_plain
from domain.tenancy.settings import SettingsVersion, SpaceSettings

_SQL = statements("tenancy")


class PostgresSettingsStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def get(self, space: SpaceId) -> SpaceSettings:
        async with self._pool.connection() as connection:
            text = await connection.fetchval(_SQL["get_settings"], space)
        return _settings(text) if text else SpaceSettings()

    async def put(self, space: SpaceId, settings: SpaceSettings, editor: UserId) -> None:
        text = json.dumps(to_plain(settings), ensure_ascii=False)
        async with self._pool.in_space(space) as connection:
            await connection.execute(_SQL["lock_settings"], space)
            await connection.execute(_SQL["put_settings"], space, text, editor)

    async def versions(
        self, space: SpaceId, *, before: int | None, limit: int
    ) -> tuple[SettingsVersion, ...]:
        async with self._pool.in_space(space) as connection:
            rows = await connection.fetch(_SQL["settings_versions"], space, before, limit)
        return tuple(
            SettingsVersion(
                version=row["version"],
                settings=_settings(row["settings"]),
                editor=UserId(row["editor"]),
                create_time=row["create_time"],
            )
            for row in rows
        )


def _settings(text: str) -> SpaceSettings:
    return from_plain(SpaceSettings, json.loads(text))
