"""The dispatcher: what a process stops, hands back, or leaves to the others."""

import asyncio

from application.jobs import IngestDocumentJob
from domain.identifiers import DocumentId, WorkerId
from domain.runs.event import TokenBatch
from domain.runs.lease import WorkerKind
from domain.runs.run import CancelReason, FenceLost, Run, RunState
from fixtures.dispatching import COMPLETE, Executing, dispatcher, queued, state_of, until
from fixtures.making import Home, document, new_id
from fixtures.stores import Stores


async def test_a_request_to_stop_reaches_the_work_with_the_next_beat(
    stores: Stores, home: Home
) -> None:
    execute = Executing(stores)
    made = await queued(stores, home)
    async with dispatcher(stores, execute=execute):
        await until(lambda: len(execute.taken) == 1)
        await stores.runs.request_cancel(home.space, made.run_id, CancelReason.SUPERSEDED)
        await until(lambda: execute.stopped == [made.run_id])


async def test_work_on_a_run_that_was_lost_is_stopped(stores: Stores, home: Home) -> None:
    execute = Executing(stores)
    made = await queued(stores, home)
    async with dispatcher(stores, execute=execute) as jobs:
        await until(lambda: len(execute.taken) == 1)
        await stores.workers.beat(other := WorkerId(new_id()), WorkerKind.SERVER)
        await stores.runs.claim(home.space, made.run_id, other)
        await until(lambda: execute.stopped == [made.run_id])
        await until(lambda: not jobs.cancel_run(made.run_id))
        assert (await stores.runs.get(home.space, made.run_id)).worker_id == other


async def test_a_process_that_leaves_hands_its_work_to_another(stores: Stores, home: Home) -> None:
    made, first, second = await queued(stores, home), Executing(stores), Executing(stores)
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

    made = await queued(stores, home)
    async with dispatcher(stores, execute=execute):
        await begun.wait()
    events = await stores.log.read(home.space, made.run_id, 0, 10)
    assert events[-1].kind == TokenBatch(text="as far as this")
    assert await state_of(stores, made) is RunState.QUEUED


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

    made = await queued(stores, home)
    async with dispatcher(stores, execute=execute, beat_seconds=60):
        await begun.wait()
        await stores.runs.claim(home.space, made.run_id, WorkerId(new_id()))
        go_on.set()
        await until(lambda: len(refused) == 1)
    assert await state_of(stores, made) is RunState.RUNNING


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
