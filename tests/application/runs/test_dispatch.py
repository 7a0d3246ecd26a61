"""The dispatcher: what a process takes up, what it loses, and what it leaves to the others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import pytest_asyncio

from adapters.postgres.pool import Pool
from application.jobs import IngestDocumentJob
from application.ports.workers import Workers
from application.runs.dispatch import Dispatcher, Execute
from domain.documents.document import IngestState
from domain.errors import Unavailable
from domain.identifiers import DocumentId, RunId, WorkerId
from domain.runs.admission import RunLimits
from domain.runs.event import RunCompleted, TokenBatch
from domain.runs.lease import HeldRun, WorkerKind
from domain.runs.run import CancelReason, FenceLost, Run, RunState, TerminationReason
from fixtures.dispatching import dispatcher, until
from fixtures.making import Home, document, new_home, new_id, run
from fixtures.stores import Stores, memory_stores, postgres_stores

COMPLETE = RunCompleted(reason=TerminationReason.COMPLETE)


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return memory_stores()
    pool: Pool = request.getfixturevalue("pool")
    return postgres_stores(pool)


@pytest_asyncio.fixture
async def home(stores: Stores) -> Home:
    return await new_home(stores.tenancy)


class Executing:
    """Executes until it is let go; `taken` are the runs as they came."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self.taken: list[Run] = []
        self.stopped: list[RunId] = []
        self.free = asyncio.Event()

    async def __call__(self, one: Run) -> None:
        self.taken.append(one)
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.stopped.append(one.run_id)
            raise
        await self._stores.log.append(one.space_id, one.run_id, one.fence, [COMPLETE])


async def _queued(stores: Stores, home: Home) -> Run:
    return (await stores.runs.create(run(home), None)).run


async def _state(stores: Stores, one: Run) -> RunState:
    return (await stores.runs.get(one.space_id, one.run_id)).state


async def test_what_waited_before_the_process_was_there_is_taken_up(
    stores: Stores, home: Home
) -> None:
    made, execute = [await _queued(stores, home) for _ in range(3)], Executing(stores)
    execute.free.set()
    async with dispatcher(stores, execute=execute):
        await until(lambda: len(execute.taken) == 3)
        assert [one.run_id for one in execute.taken] == [one.run_id for one in made]


async def test_a_run_that_arrives_elsewhere_is_found_without_a_word(
    stores: Stores, home: Home
) -> None:
    execute = Executing(stores)
    async with dispatcher(stores, execute=execute):
        made = await _queued(stores, home)
        await until(lambda: [one.run_id for one in execute.taken] == [made.run_id])


async def test_a_run_of_a_process_that_died_goes_on_here(stores: Stores, home: Home) -> None:
    dead, execute = WorkerId(new_id()), Executing(stores)
    await stores.fleeting.beat(dead, WorkerKind.SERVER)
    lost = (await stores.runs.create(run(home), None, claim_for=dead)).run
    async with dispatcher(stores, execute=execute):
        await until(lambda: len(execute.taken) == 1)
    assert (execute.taken[0].run_id, execute.taken[0].attempts) == (lost.run_id, 2)


async def test_a_run_that_kills_its_processes_is_parked_with_a_reason(
    stores: Stores, home: Home
) -> None:
    poison, execute = await _queued(stores, home), Executing(stores)
    for _ in range(2):
        dead = WorkerId(new_id())
        await stores.fleeting.beat(dead, WorkerKind.SERVER)
        await stores.workers.claim_runs(dead, 1, running_limit=1)
        await stores.workers.reap()
    async with dispatcher(stores, execute=execute, limits=RunLimits(attempts=2)):

        async def parked() -> bool:
            return await _state(stores, poison) is RunState.ENDED

        await until(parked)
    assert execute.taken == []
    last = (await stores.log.read(home.space, poison.run_id, 0, 10))[-1].kind
    assert isinstance(last, RunCompleted)
    assert last.reason is TerminationReason.ATTEMPTS
    assert "taken up 2 times" in last.detail


async def test_a_document_that_kills_its_processes_fails_with_a_reason(
    stores: Stores, home: Home
) -> None:
    poison = document(home)
    await stores.documents.add(poison)
    for _ in range(2):
        await stores.workers.claim_documents(WorkerId(new_id()), 1, at_work=())
    async with dispatcher(stores, limits=RunLimits(attempts=2)):

        async def failed() -> bool:
            kept = await stores.documents.get(home.space, poison.document_id)
            return kept.state is IngestState.FAILED

        await until(failed)
    kept = await stores.documents.get(home.space, poison.document_id)
    assert "begun 2 times" in kept.failure


async def test_a_request_to_stop_reaches_the_work_with_the_next_beat(
    stores: Stores, home: Home
) -> None:
    execute = Executing(stores)
    made = await _queued(stores, home)
    async with dispatcher(stores, execute=execute):
        await until(lambda: len(execute.taken) == 1)
        await stores.runs.request_cancel(home.space, made.run_id, CancelReason.SUPERSEDED)
        await until(lambda: execute.stopped == [made.run_id])


async def test_work_on_a_run_that_was_lost_is_stopped(stores: Stores, home: Home) -> None:
    execute = Executing(stores)
    made = await _queued(stores, home)
    async with dispatcher(stores, execute=execute) as jobs:
        await until(lambda: len(execute.taken) == 1)
        await stores.workers.beat(other := WorkerId(new_id()), WorkerKind.SERVER)
        await stores.runs.claim(home.space, made.run_id, other)
        await until(lambda: execute.stopped == [made.run_id])
        await until(lambda: not jobs.cancel_run(made.run_id))
        assert (await stores.runs.get(home.space, made.run_id)).worker_id == other


async def test_a_run_that_is_claimed_here_without_anybodys_knowledge_waits_again(
    stores: Stores, home: Home
) -> None:
    worker, execute = WorkerId(new_id()), Executing(stores)
    async with dispatcher(stores, execute=execute, worker=worker):
        # As when the connection broke after the commit, before the answer.
        stray = (await stores.runs.create(run(home), None, claim_for=worker)).run
        await until(lambda: len(execute.taken) == 1)
    assert (execute.taken[0].run_id, execute.taken[0].fence) == (stray.run_id, 2)
    assert execute.taken[0].attempts == 1, "nobody was ever at work on it"


async def test_a_run_whose_work_broke_is_tried_again(stores: Stores, home: Home) -> None:
    taken: list[int] = []

    async def broken_at_first(one: Run) -> None:
        taken.append(one.attempts)
        if len(taken) == 1:
            raise Unavailable("the database does not answer; try again")
        await stores.log.append(one.space_id, one.run_id, one.fence, [COMPLETE])

    made = await _queued(stores, home)
    async with dispatcher(stores, execute=broken_at_first):

        async def ended() -> bool:
            return await _state(stores, made) is RunState.ENDED

        await until(ended)
    assert taken == [1, 2]


async def test_work_that_a_lost_database_stopped_is_told_in_a_line_without_the_question(
    stores: Stores, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    made, tries = await _queued(stores, home), asyncio.Event()

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


async def test_a_process_that_leaves_hands_its_work_to_another(stores: Stores, home: Home) -> None:
    made, first, second = await _queued(stores, home), Executing(stores), Executing(stores)
    async with dispatcher(stores, execute=first):
        await until(lambda: len(first.taken) == 1)
    async with dispatcher(stores, execute=second):
        await until(lambda: len(second.taken) == 1)
    assert first.stopped == [made.run_id]
    assert [one.attempts for one in (*first.taken, *second.taken)] == [1, 1]


async def test_what_was_written_last_is_kept_before_the_work_is_handed_back(
    stores: Stores, home: Home
) -> None:
    begun = asyncio.Event()

    async def execute(one: Run) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            last = [TokenBatch(text="as far as this")]
            await stores.log.append(one.space_id, one.run_id, one.fence, last)

    made = await _queued(stores, home)
    async with dispatcher(stores, execute=execute):
        await begun.wait()
    events = await stores.log.read(home.space, made.run_id, 0, 10)
    assert events[-1].kind == TokenBatch(text="as far as this")
    assert await _state(stores, made) is RunState.QUEUED


async def test_two_processes_share_what_there_is(stores: Stores, home: Home) -> None:
    made = [await _queued(stores, home) for _ in range(4)]
    here, there = Executing(stores), Executing(stores)
    async with dispatcher(stores, execute=here), dispatcher(stores, execute=there):
        await until(lambda: len(here.taken) + len(there.taken) == 4)
        assert len(here.taken) == len(there.taken) == 2
        taken = {one.run_id for one in (*here.taken, *there.taken)}
        assert taken == {one.run_id for one in made}


async def test_a_living_second_process_leaves_a_document_that_is_read_alone(
    stores: Stores, home: Home
) -> None:
    reading: list[DocumentId] = []

    async def ingest(job: IngestDocumentJob) -> None:
        reading.append(job.document_id)
        await asyncio.Event().wait()

    made = document(home)
    await stores.documents.add(made)
    async with dispatcher(stores, ingest=ingest) as first:
        await until(lambda: reading == [made.document_id])
        async with dispatcher(stores, ingest=ingest) as second:
            for _ in range(5):
                second.wake()
                await asyncio.sleep(0.02)
            assert reading == [made.document_id]
            await first.stop(home.space)
            await until(lambda: len(reading) == 2)


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
    ) -> tuple[tuple[IngestDocumentJob, int], ...]:
        return await self._here().claim_documents(worker, room, at_work=at_work, broken=broken)

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
        await _queued(stores, home)
        await until(lambda: len(execute.taken) == 1)
        workers.away = True
        await asyncio.sleep(0.1)
        assert execute.stopped == []
        workers.away = False
        await _queued(stores, home)
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
        made = await _queued(stores, home)

        async def ended() -> bool:
            return await _state(stores, made) is RunState.ENDED

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


async def test_a_document_whose_work_breaks_again_and_again_fails(
    stores: Stores, home: Home
) -> None:
    async def ingest(job: IngestDocumentJob) -> None:
        raise Unavailable("only for this document")

    made = document(home)
    await stores.documents.add(made)
    async with dispatcher(stores, ingest=ingest, limits=RunLimits(attempts=2)):

        async def failed() -> bool:
            kept = await stores.documents.get(home.space, made.document_id)
            return (kept.state, kept.fence) == (IngestState.FAILED, 3)

        await until(failed)


async def test_a_run_is_not_parked_for_attempts_that_it_gets_back(
    stores: Stores, home: Home
) -> None:
    made, execute, cut_off = await _queued(stores, home), Executing(stores), WorkerId(new_id())
    await stores.fleeting.beat(cut_off, WorkerKind.SERVER)
    await stores.workers.claim_runs(cut_off, 1, running_limit=1)
    async with dispatcher(stores, execute=execute, limits=RunLimits(attempts=1), beat_seconds=0.1):
        await until(lambda: _is_running(stores, made, fence=2))
        assert execute.taken == []
        await stores.workers.beat(cut_off, WorkerKind.SERVER, was_cut_off=True)
        await until(
            lambda: [(one.run_id, one.attempts) for one in execute.taken] == [(made.run_id, 1)]
        )


async def _is_running(stores: Stores, one: Run, *, fence: int) -> bool:
    kept = await stores.runs.get(one.space_id, one.run_id)
    return (kept.state, kept.fence) == (RunState.RUNNING, fence)


async def test_a_fence_keeps_who_was_taken_over_from_writing(stores: Stores, home: Home) -> None:
    refused: list[FenceLost] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def execute(one: Run) -> None:
        begun.set()
        await go_on.wait()
        try:
            await stores.log.append(one.space_id, one.run_id, one.fence, [COMPLETE])
        except FenceLost as error:
            refused.append(error)

    made = await _queued(stores, home)
    async with dispatcher(stores, execute=execute, beat_seconds=60):
        await begun.wait()
        await stores.runs.claim(home.space, made.run_id, WorkerId(new_id()))
        go_on.set()
        await until(lambda: len(refused) == 1)
    assert await _state(stores, made) is RunState.RUNNING
