"""The contract of `Jobs`: work that goes on after the request that asked for it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.local.jobs import InProcessJobs
from application.jobs import ExecuteRunJob, IngestDocumentJob, Job
from domain.identifiers import DocumentId, RunId, SpaceId
from fixtures.making import new_id

SPACE, OTHER = SpaceId(new_id()), SpaceId(new_id())


class Work:
    """What jobs do here: wait until they are let go. `done` and `stopped` say how they ended."""

    def __init__(self) -> None:
        self.begun: list[RunId | DocumentId] = []
        self.done: list[RunId | DocumentId] = []
        self.stopped: list[RunId | DocumentId] = []
        self.failing: set[RunId | DocumentId] = set()
        self._gate = asyncio.Event()

    def let_go(self) -> None:
        self._gate.set()

    async def run(self, space: SpaceId, run: RunId) -> None:
        await self._work(space, run)

    async def ingest(self, space: SpaceId, document: DocumentId) -> None:
        await self._work(space, document)

    async def _work(self, space: SpaceId, job: RunId | DocumentId) -> None:
        assert space in (SPACE, OTHER)
        self.begun.append(job)
        if job in self.failing:
            raise RuntimeError("broken")
        try:
            await self._gate.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)  # cleaning up takes a moment
            self.stopped.append(job)
            raise
        self.done.append(job)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def jobs(work: Work) -> AsyncIterator[InProcessJobs]:
    async with InProcessJobs(runs_at_once=2, ingestions_at_once=1) as made:
        made.handle(execute_run=work.run, ingest_document=work.ingest)
        yield made


def _run() -> ExecuteRunJob:
    return ExecuteRunJob(space_id=SPACE, run_id=RunId(new_id()))


def _document() -> IngestDocumentJob:
    return IngestDocumentJob(space_id=SPACE, document_id=DocumentId(new_id()))


def _ids(*jobs: Job) -> list[RunId | DocumentId]:
    return [job.run_id if isinstance(job, ExecuteRunJob) else job.document_id for job in jobs]


async def _settled() -> None:
    await asyncio.sleep(0.03)


async def test_a_job_is_handed_over_and_worked_on_later(jobs: InProcessJobs, work: Work) -> None:
    run = _run()
    jobs.submit(run)
    assert work.begun == []
    await _settled()
    assert work.begun == _ids(run)


async def test_only_so_many_are_at_work_and_the_others_wait_in_order(
    jobs: InProcessJobs, work: Work
) -> None:
    runs = [_run() for _ in range(5)]
    for run in runs:
        jobs.submit(run)
    await _settled()
    assert work.begun == _ids(*runs[:2])
    work.let_go()
    await _settled()
    assert work.begun == work.done == _ids(*runs)


async def test_documents_do_not_keep_runs_waiting(jobs: InProcessJobs, work: Work) -> None:
    first, second, run = _document(), _document(), _run()
    for job in (first, second, run):
        jobs.submit(job)
    await _settled()
    assert work.begun == _ids(first, run)


async def test_cancelling_reaches_the_run_and_only_that_one(
    jobs: InProcessJobs, work: Work
) -> None:
    stays, goes, waits = _run(), _run(), _run()
    for run in (stays, goes, waits):
        jobs.submit(run)
    await _settled()
    jobs.cancel_run(goes.run_id)
    await _settled()
    assert work.stopped == _ids(goes)
    assert work.begun == _ids(stays, goes, waits)


async def test_a_run_that_waits_for_room_is_not_at_work_here(
    jobs: InProcessJobs, work: Work
) -> None:
    runs = [_run() for _ in range(3)]
    for run in runs:
        jobs.submit(run)
    assert not jobs.cancel_run(runs[0].run_id), "not even the first has begun"
    await _settled()
    assert not jobs.cancel_run(runs[2].run_id)
    assert jobs.cancel_run(runs[1].run_id)
    await _settled()
    assert work.stopped == _ids(runs[1])


async def test_cancelling_what_is_not_here_is_no_error(jobs: InProcessJobs, work: Work) -> None:
    run = _run()
    jobs.cancel_run(run.run_id)
    jobs.submit(run)
    work.let_go()
    await _settled()
    jobs.cancel_run(run.run_id)
    assert work.done == _ids(run)


async def test_one_that_fails_stops_no_other(
    jobs: InProcessJobs, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    bad, *good = [_run() for _ in range(4)]
    work.failing.update(_ids(bad))
    for run in (bad, *good):
        jobs.submit(run)
    work.let_go()
    await _settled()
    assert work.done == _ids(*good)
    assert str(bad.run_id) in caplog.text


async def test_all_work_of_a_space_stops_and_no_other(jobs: InProcessJobs, work: Work) -> None:
    ours = [RunId(new_id()) for _ in range(2)]
    waiting = [DocumentId(new_id()) for _ in range(2)]
    for run in ours:
        jobs.submit(ExecuteRunJob(space_id=SPACE, run_id=run))
    for document in waiting:
        jobs.submit(IngestDocumentJob(space_id=SPACE, document_id=document))
    theirs = DocumentId(new_id())
    jobs.submit(IngestDocumentJob(space_id=OTHER, document_id=theirs))
    await asyncio.sleep(0.01)
    assert await jobs.stop(SPACE) == 4
    # Cleaned up when `stop` came back, not some time after it.
    assert set(work.stopped) == {*ours, waiting[0]}
    assert await jobs.stop(SPACE) == 0
    work.let_go()
    async with asyncio.timeout(2):
        while theirs not in work.done:  # noqa: ASYNC110 - jobs say nothing when they end
            await asyncio.sleep(0.005)
