"""The dispatcher: a database that is away for a while ends nothing, and costs nobody an attempt."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from application.jobs import IngestDocumentJob
from application.ports.workers import Workers
from application.runs.dispatch import Dispatcher, Execute
from domain.documents.document import IngestState
from domain.errors import Unavailable
from domain.identifiers import DocumentId, WorkerId
from domain.runs.admission import RunLimits
from domain.runs.lease import HeldRun, WorkerKind
from domain.runs.run import Run, RunState
from fixtures.dispatching import COMPLETE, Executing, dispatcher, queued, state_of, until
from fixtures.making import Home, document
from fixtures.stores import Stores


async def test_work_that_a_lost_database_stopped_is_told_in_a_line_without_the_question(
    stores: Stores, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    made, tries = await queued(stores, home), asyncio.Event()

    async def execute(one: Run) -> None:
        tries.set()
        raise Unavailable("the database is away")

    async with dispatcher(stores, execute=execute):
        async with asyncio.timeout(5):
            await tries.wait()
    (told, *_) = [record for record in caplog.records if str(made.run_id) in record.message]
    assert told.exc_info is None
    assert "the database is away" in told.message
    assert made.question.text not in caplog.text


class Flickering:
    """Workers that are away for a while; `reaped` counts how often it was asked for."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.away = False
        self.reaped = 0

    def _here(self) -> Workers:
        if self.away:
            raise Unavailable("the database does not answer; try again")
        return self._workers

    async def beat(
        self, worker: WorkerId, kind: WorkerKind, *, was_cut_off: bool = False
    ) -> tuple[HeldRun, ...]:
        return await self._here().beat(worker, kind, was_cut_off=was_cut_off)

    async def reap(self) -> int:
        self.reaped += 1
        return await self._here().reap()

    async def claim_runs(
        self, worker: WorkerId, room: int, *, running_limit: int
    ) -> tuple[Run, ...]:
        return await self._here().claim_runs(worker, room, running_limit=running_limit)

    async def claim_documents(
        self,
        worker: WorkerId,
        room: int,
        *,
        at_work: Sequence[DocumentId],
        broken: Sequence[DocumentId] = (),
        kept: int = 0,
    ) -> tuple[tuple[IngestDocumentJob, int], ...]:
        return await self._here().claim_documents(
            worker, room, at_work=at_work, broken=broken, kept=kept
        )

    async def release(self, held: HeldRun, *, spent: bool) -> None:
        await self._here().release(held, spent=spent)

    async def leave(self, worker: WorkerId) -> None:
        await self._here().leave(worker)


@asynccontextmanager
async def _flickering(stores: Stores, execute: Execute) -> AsyncIterator[Flickering]:
    flickering = Flickering(stores.workers)
    made: Dispatcher = dispatcher(stores, execute=execute)
    made._workers = flickering
    async with made:
        yield flickering


async def test_a_database_that_is_away_for_a_while_stops_nothing(
    stores: Stores, home: Home
) -> None:
    execute = Executing(stores)
    async with _flickering(stores, execute) as workers:
        await queued(stores, home)
        await until(lambda: len(execute.taken) == 1)
        workers.away = True
        await asyncio.sleep(0.1)
        assert execute.stopped == []
        workers.away = False
        await queued(stores, home)
        await until(lambda: len(execute.taken) == 2)
        workers.away = True


async def test_runs_that_a_lost_database_stopped_are_taken_up_again_without_end(
    stores: Stores, home: Home
) -> None:
    taken: list[int] = []

    async def execute(one: Run) -> None:
        taken.append(one.attempts)
        if len(taken) > 4:
            await stores.log.append(one.space_id, one.run_id, one.fence, [COMPLETE])
            return
        workers.away = True
        await asyncio.sleep(0.1)
        asyncio.get_running_loop().call_later(0.05, workers.__setattr__, "away", False)
        raise Unavailable("the database does not answer; try again")

    async with _flickering(stores, execute) as workers:
        made = await queued(stores, home)

        async def ended() -> bool:
            return await state_of(stores, made) is RunState.ENDED

        await until(ended)
    assert taken == [1] * 5


async def test_documents_that_a_lost_database_stopped_are_read_again_without_end(
    stores: Stores, home: Home
) -> None:
    workers, taken = Flickering(stores.workers), list[int]()

    async def ingest(job: IngestDocumentJob) -> None:
        taken.append(job.fence)
        if len(taken) == 5:
            await asyncio.Event().wait()
        workers.away = True
        await asyncio.sleep(0.05)
        asyncio.get_running_loop().call_later(0.02, workers.__setattr__, "away", False)
        raise Unavailable("the database does not answer")

    made = document(home)
    await stores.documents.add(made)
    limits = RunLimits(attempts=1)
    async with dispatcher(replace(stores, workers=workers), ingest=ingest, limits=limits):
        await until(lambda: taken == [1, 2, 3, 4, 5])
    assert (await stores.documents.get(home.space, made.document_id)).state is IngestState.PENDING
