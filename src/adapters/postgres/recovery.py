"""What an earlier process left unfinished, across all spaces."""

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from application.jobs import ExecuteRunJob, IngestDocumentJob

_SQL = statements("runs")


class PostgresRecovery:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def unfinished_runs(self) -> tuple[ExecuteRunJob, ...]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_SQL["unfinished_runs"])
        return tuple(ExecuteRunJob(**row) for row in rows)

    async def unfinished_documents(self) -> tuple[IngestDocumentJob, ...]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_SQL["unfinished_documents"])
        return tuple(IngestDocumentJob(**row) for row in rows)
