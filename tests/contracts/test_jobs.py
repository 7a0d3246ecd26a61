"""The contract of `Jobs`: work of this process that goes on after the request was answered."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from application.jobs import IngestDocumentJob
from application.runs.dispatch import Dispatcher
from domain.identifiers import DocumentId, RunId
from domain.runs.event import RunCompleted
from domain.runs.run import Run, RunState, TerminationReason
from fixtures.dispatching import dispatcher, until
from fixtures.making import Home, document, run
from fixtures.stores import Stores

COMPLETE = RunCompleted(reason=TerminationReason.COMPLETE)


class Work:
    """What is done here: wait until it is let go. `done` and `stopped` say how it ended."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self.begun: list[RunId | DocumentId] = []
        self.done: list[RunId | DocumentId] = []
        self.stopped: list[RunId | DocumentId] = []
        self.failing: set[RunId | DocumentId] = set()
        self._gate = asyncio.Event()

    def let_go(self) -> None:
        self._gate.set()

    async def run(self, one: Run) -> None:
        await self._work(one.run_id)
        await self.stores.log.append(one.space_id, one.run_id, one.fence, [COMPLETE])

    async def ingest(self, job: IngestDocumentJob) -> None:
        await self._work(job.document_id)

    async def _work(self, key: RunId | DocumentId) -> None:
        self.begun.append(key)
        if key in self.failing:
            raise RuntimeError("broken")
        try:
            await self._gate.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)  # cleaning up takes a moment
            self.stopped.append(key)
            raise
        self.done.append(key)


@pytest.fixture
def work(stores: Stores) -> Work:
    return Work(stores)


@pytest_asyncio.fixture
async def jobs(stores: Stores, work: Work) -> AsyncIterator[Dispatcher]:
    async with dispatcher(stores, execute=work.run, ingest=work.ingest, beat_seconds=60) as made:
        yield made


async def _begun(jobs: Dispatcher, stores: Stores, home: Home) -> RunId:
    """A run that was accepted, and began here at once."""
    accepted = await stores.runs.create(run(home), None, claim_for=jobs.reserve())
    assert accepted.claimed
    jobs.begin(accepted.run)
    return accepted.run.run_id


async def test_a_run_begins_in_the_place_that_was_reserved(
    jobs: Dispatcher, work: Work, stores: Stores, home: Home
) -> None:
    begun = await _begun(jobs, stores, home)
    await until(lambda: work.begun == [begun])


async def test_there_are_only_so_many_places(
    jobs: Dispatcher, work: Work, stores: Stores, home: Home
) -> None:
    await _begun(jobs, stores, home)
    assert jobs.reserve() is not None
    assert jobs.reserve() is None
    jobs.release()
    assert jobs.reserve() is not None


async def test_what_waits_is_looked_for_when_somebody_says_so(
    jobs: Dispatcher, work: Work, stores: Stores, home: Home
) -> None:
    await until(lambda: jobs.reserve() is not None)
    jobs.release()
    waiting = [(await stores.runs.create(run(home), None)).run.run_id for _ in range(4)]
    jobs.wake()
    await until(lambda: len(work.begun) == 2)
    assert jobs.reserve() is None, "older runs wait for the next place"
    work.let_go()
    await until(lambda: len(work.done) == 4)
    assert set(work.done) == set(waiting)
    assert work.begun[:2] == waiting[:2]


async def test_documents_do_not_keep_runs_waiting(
    jobs: Dispatcher, work: Work, stores: Stores, home: Home
) -> None:
    made = [document(home, filename=f"{n}.md") for n in range(2)]
    for one in made:
        await stores.documents.add(one)
    jobs.wake()
    await until(lambda: len(work.begun) == 1)
    begun = await _begun(jobs, stores, home)
    await until(lambda: work.begun == [made[0].document_id, begun])


async def test_cancelling_reaches_the_run_and_only_that_one(
    jobs: Dispatcher, work: Work, stores: Stores, home: Home
) -> None:
    stays, goes = [await _begun(jobs, stores, home) for _ in range(2)]
    await until(lambda: len(work.begun) == 2)
    assert jobs.cancel_run(goes)
    assert jobs.cancel_run(goes), "once more is no harm"
    await until(lambda: work.stopped == [goes])
    await until(lambda: not jobs.cancel_run(goes))
    assert jobs.cancel_run(stays)


async def test_a_run_that_is_cancelled_before_its_first_step_is_given_that_step(
    jobs: Dispatcher, work: Work, stores: Stores, home: Home
) -> None:
    begun = await _begun(jobs, stores, home)
    assert jobs.cancel_run(begun)
    await until(lambda: work.stopped == [begun])


async def test_one_that_fails_stops_no_other(
    jobs: Dispatcher, work: Work, stores: Stores, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    bad = run(home)
    work.failing.add(bad.run_id)
    accepted = await stores.runs.create(bad, None, claim_for=jobs.reserve())
    jobs.begin(accepted.run)
    await until(lambda: str(bad.run_id) in caplog.text)
    good = await _begun(jobs, stores, home)
    work.let_go()
    await until(lambda: work.done == [good])


async def test_all_work_of_a_space_stops_and_no_other(
    jobs: Dispatcher, work: Work, stores: Stores, home: Home, away: Home
) -> None:
    ours, theirs = await _begun(jobs, stores, home), await _begun(jobs, stores, away)
    made = document(home)
    await stores.documents.add(made)
    jobs.wake()
    await until(lambda: len(work.begun) == 3)
    assert await jobs.stop(home.space) == 2
    # Cleaned up when `stop` came back, not some time after it.
    assert set(work.stopped) == {ours, made.document_id}
    work.let_go()
    await until(lambda: theirs in work.done)


async def test_who_leaves_hands_back_what_is_at_work(
    stores: Stores, home: Home, work: Work
) -> None:
    async with dispatcher(stores, execute=work.run, ingest=work.ingest) as jobs:
        begun = await _begun(jobs, stores, home)
        await until(lambda: work.begun == [begun])
    assert work.stopped == [begun]
    waiting = await stores.runs.get(home.space, begun)
    assert (waiting.state, waiting.attempts) == (RunState.QUEUED, 0)
    assert jobs.reserve() is None
