"""Runs in Postgres that wait for a person."""

from datetime import datetime

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements

_SQL = statements("pauses")


class PostgresPauses:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def expire(self, before: datetime, limit: int) -> int:
        async with self._pool.connection() as connection:
            old = await connection.fetch(_SQL["old"], before, limit)
        done = 0
        for space, run in old:
            # Each in its own commit: no run is held while another is waited for.
            async with self._pool.connection() as connection:
                done += await connection.fetchval(_SQL["expire"], space, run, before)
        return done
