"""The dispatcher: what a process takes up, and what it gives up for good."""

from application.jobs import IngestDocumentJob
from domain.documents.document import IngestState
from domain.errors import Unavailable
from domain.identifiers import WorkerId
from domain.runs.admission import RunLimits
from domain.runs.event import RunCompleted
from domain.runs.lease import WorkerKind
from domain.runs.run import Run, RunState, TerminationReason
from fixtures.dispatching import COMPLETE, Executing, dispatcher, queued, state_of, until
from fixtures.making import Home, document, new_id, run
from fixtures.stores import Stores


async def test_what_waited_before_the_process_was_there_is_taken_up(
    stores: Stores, home: Home
) -> None:
    made, execute = [await queued(stores, home) for _ in range(3)], Executing(stores)
    execute.free.set()
    async with dispatcher(stores, execute=execute):
        await until(lambda: len(execute.taken) == 3)
        assert [one.run_id for one in execute.taken] == [one.run_id for one in made]


async def test_a_run_that_arrives_elsewhere_is_found_without_a_word(
    stores: Stores, home: Home
) -> None:
    execute = Executing(stores)
    async with dispatcher(stores, execute=execute):
        made = await queued(stores, home)
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
    poison, execute = await queued(stores, home), Executing(stores)
    for _ in range(2):
        dead = WorkerId(new_id())
        await stores.fleeting.beat(dead, WorkerKind.SERVER)
        await stores.workers.claim_runs(dead, 1, running_limit=1)
        await stores.workers.reap()
    async with dispatcher(stores, execute=execute, limits=RunLimits(attempts=2)):

        async def parked() -> bool:
            return await state_of(stores, poison) is RunState.ENDED

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

    made = await queued(stores, home)
    async with dispatcher(stores, execute=broken_at_first):

        async def ended() -> bool:
            return await state_of(stores, made) is RunState.ENDED

        await until(ended)
    assert taken == [1, 2]


async def test_two_processes_share_what_there_is(stores: Stores, home: Home) -> None:
    made = [await queued(stores, home) for _ in range(4)]
    here, there = Executing(stores), Executing(stores)
    async with dispatcher(stores, execute=here), dispatcher(stores, execute=there):
        await until(lambda: len(here.taken) + len(there.taken) == 4)
        assert len(here.taken) == len(there.taken) == 2
        taken = {one.run_id for one in (*here.taken, *there.taken)}
        assert taken == {one.run_id for one in made}


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
    made, execute, cut_off = await queued(stores, home), Executing(stores), WorkerId(new_id())
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
