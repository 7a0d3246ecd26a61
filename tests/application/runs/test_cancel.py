"""CancelRun: a stop that is answered is a stop."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from adapters.local.jobs import InProcessJobs
from application.jobs import ExecuteRunJob
from application.ports.jobs import Jobs
from application.runs.cancel import CancelRun
from application.runs.execute import ExecuteRun
from application.runs.take_up import TakeUpRun
from domain.agents.task import AgentTask
from domain.identifiers import DocumentId, RunId, SpaceId
from domain.runs.event import EventKind, RunCompleted, TokenBatch
from domain.runs.run import Run, RunNotFound, RunState, TerminationReason
from domain.tenancy.access import ActionNotAllowed, Role
from fixtures.house import AGENTS, House, ScriptedRunner, context_of, text_of

CANCELLED = RunCompleted(reason=TerminationReason.CANCELLED)


async def _never_ends(task: AgentTask) -> AsyncGenerator[EventKind]:
    yield TokenBatch(text="so far")
    await asyncio.Event().wait()


async def _no_ingestion(space: SpaceId, document: DocumentId) -> None:
    raise AssertionError("nothing was uploaded")


def _cancel(house: House, jobs: Jobs) -> CancelRun:
    return CancelRun(
        runs=house.stores.runs,
        log=house.stores.log,
        fan_out=house.fan_out,
        jobs=jobs,
        clock=house.clock,
    )


def _jobs(house: House, *, runs_at_once: int) -> InProcessJobs:
    jobs = InProcessJobs(runs_at_once=runs_at_once, ingestions_at_once=1)
    execute = ExecuteRun(
        runs=house.stores.runs,
        log=house.stores.log,
        fan_out=house.fan_out,
        conversations=house.stores.conversations,
        runner=ScriptedRunner(_never_ends),
        agents=AGENTS,
        model_name="scripted",
        clock=house.clock,
    )
    take_up = TakeUpRun(runs=house.stores.runs, execute=execute)
    jobs.handle(execute_run=take_up, ingest_document=_no_ingestion)
    return jobs


def _submit(jobs: InProcessJobs, run: Run) -> None:
    jobs.submit(ExecuteRunJob(space_id=run.space_id, run_id=run.run_id))


async def _watched_to_the_end(house: House, run: Run) -> list[EventKind]:
    async with asyncio.timeout(3):
        return [event.kind async for event in house.watched(run)]


async def test_a_run_at_work_ends_and_keeps_its_text(house: House) -> None:
    async with _jobs(house, runs_at_once=1) as jobs:
        run = await house.queued()
        _submit(jobs, run)
        await asyncio.sleep(0.02)
        answer = await _cancel(house, jobs)(context_of(house.home), run_id=run.run_id)
        assert answer.cancel_requested
        kinds = await _watched_to_the_end(house, run)
    assert text_of(kinds) == "so far"
    assert kinds[-1] == CANCELLED


async def test_a_run_that_waits_for_its_turn_ends_at_once(house: House) -> None:
    async with _jobs(house, runs_at_once=1) as jobs:
        first, second = await house.queued(), await house.queued()
        for run in (first, second):
            _submit(jobs, run)
        await asyncio.sleep(0.02)
        answer = await _cancel(house, jobs)(context_of(house.home), run_id=second.run_id)
        assert answer.state is RunState.ENDED
        assert (await _watched_to_the_end(house, second))[-1] == CANCELLED
        assert (await house.stores.runs.get(first.space_id, first.run_id)).state is RunState.RUNNING


@pytest.mark.parametrize("ticks", range(8))
async def test_a_run_cancelled_in_any_moment_of_its_beginning_ends_once(
    house: House, ticks: int
) -> None:
    async with _jobs(house, runs_at_once=1) as jobs:
        run = await house.queued()
        _submit(jobs, run)
        for _ in range(ticks):
            await asyncio.sleep(0)
        await _cancel(house, jobs)(context_of(house.home), run_id=run.run_id)
        kinds = await _watched_to_the_end(house, run)
    assert kinds.count(CANCELLED) == 1
    assert kinds[-1] == CANCELLED


async def test_cancelling_twice_is_as_good_as_once(house: House) -> None:
    async with _jobs(house, runs_at_once=1) as jobs:
        run = await house.queued()
        _submit(jobs, run)
        await asyncio.sleep(0.02)
        cancel, context = _cancel(house, jobs), context_of(house.home)
        await asyncio.gather(*(cancel(context, run_id=run.run_id) for _ in range(4)))
        assert (await _watched_to_the_end(house, run))[-1] == CANCELLED
        ended = await cancel(context, run_id=run.run_id)
        assert ended.termination_reason is TerminationReason.CANCELLED


async def test_who_may_only_read_may_not_cancel(house: House) -> None:
    run = await house.queued()
    with pytest.raises(ActionNotAllowed):
        await _cancel(house, house.jobs)(context_of(house.home, Role.VIEWER), run_id=run.run_id)
    assert not (await house.stores.runs.get(run.space_id, run.run_id)).cancel_requested


async def test_a_run_that_is_not_here_is_not_found(house: House) -> None:
    with pytest.raises(RunNotFound):
        await _cancel(house, house.jobs)(context_of(house.home), run_id=RunId(house.entropy.uuid()))
    assert house.jobs.cancelled == []
