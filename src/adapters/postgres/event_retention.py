"""The event log's weeks in Postgres: partitions made ahead, and dropped whole."""

import asyncpg

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.errors import Unavailable
from domain.runs.retention import KeptWeeks

_SQL = statements("events")


class EventLogBusy(Unavailable):
    reason = "EVENT_LOG_BUSY"

    def __init__(self) -> None:
        super().__init__("the event log's partitions are in use; they wait for a quieter moment")


class PostgresEventRetention:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep(self, weeks: KeptWeeks) -> bool:
        try:
            async with self._pool.connection() as connection:
                dropped = await connection.fetchval(
                    _SQL["keep_weeks"], weeks.oldest, weeks.current, weeks.newest
                )
        except asyncpg.LockNotAvailableError as error:
            raise EventLogBusy from error
        return bool(dropped)
