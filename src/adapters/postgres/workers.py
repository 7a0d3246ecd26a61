"""The processes that share a database, and what each of them has taken up, in Postgres."""

from collections.abc import Sequence
from datetime import timedelta

from adapters.postgres.pool import Pool
from adapters.postgres.run_rows import run_of
from adapters.postgres.statements import statements
from application.jobs import IngestDocumentJob
from domain.identifiers import DocumentId, RunId, SpaceId, WorkerId
from domain.runs.lease import LEASE_SECONDS, HeldRun, WorkerKind
from domain.runs.run import CancelReason, Run

_SQL = statements("workers")


class PostgresWorkers:
    def __init__(self, pool: Pool, *, lease: timedelta = timedelta(seconds=LEASE_SECONDS)) -> None:
        self._pool = pool
        self._lease = lease

    async def beat(
        self, worker: WorkerId, kind: WorkerKind, *, was_cut_off: bool = False
    ) -> tuple[HeldRun, ...]:
        if was_cut_off:
            await self._forgive(worker)
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_SQL["beat"], worker, kind.value, self._lease)
        return tuple(
            HeldRun(
                space_id=SpaceId(space),
                run_id=RunId(run),
                fence=fence,
                cancel_reason=CancelReason(reason) if reason else None,
            )
            for space, run, fence, reason in rows
        )

    async def _forgive(self, worker: WorkerId) -> None:
        async with self._pool.connection() as connection:
            lost = await connection.fetch(_SQL["lost"], worker)
        for space, run in lost:
            # Each in its own commit: no run is held while another is waited for.
            async with self._pool.connection() as connection:
                await connection.execute(_SQL["forgive"], space, run, worker)

    async def reap(self) -> int:
        async with self._pool.connection() as connection:
            return int(await connection.fetchval(_SQL["reap"]))

    async def claim_runs(
        self, worker: WorkerId, room: int, *, running_limit: int
    ) -> tuple[Run, ...]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_SQL["claim_runs"], worker, room, running_limit)
        return tuple(run_of(row) for row in rows)

    async def claim_documents(
        self,
        worker: WorkerId,
        room: int,
        *,
        at_work: Sequence[DocumentId],
        broken: Sequence[DocumentId] = (),
        kept: int = 0,
    ) -> tuple[tuple[IngestDocumentJob, int], ...]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(
                _SQL["claim_documents"], worker, room, kept, list(at_work), list(broken)
            )
        return tuple(
            (IngestDocumentJob(space_id=space, document_id=document, fence=fence), attempts)
            for space, document, fence, attempts in rows
        )

    async def release(self, held: HeldRun, *, spent: bool) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(_SQL["release"], held.space_id, held.run_id, held.fence, spent)

    async def leave(self, worker: WorkerId) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(_SQL["leave"], worker)
