"""CancelRun: a stop that is answered is a stop."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from application.ports.jobs import Jobs
from application.ports.tool import ToolInput, ToolOutput
from application.runs.cancel import CancelRun
from application.runs.dispatch import Dispatcher
from application.runs.end import EndRun
from application.runs.execute import ExecuteRun
from domain.agents.effect import Effect
from domain.agents.task import AgentTask
from domain.identifiers import RunId, WorkerId
from domain.runs.event import EventKind, RunCompleted, RunPaused, TokenBatch
from domain.runs.lease import WorkerKind
from domain.runs.run import CancelReason, Run, RunNotFound, RunState, TerminationReason
from domain.tenancy.access import ActionNotAllowed, Role
from fixtures.agents import a_shop
from fixtures.dispatching import dispatcher
from fixtures.house import AGENTS, House, Script, ScriptedRunner, context_of, text_of
from fixtures.making import new_id
from fixtures.mortal import a_ground
from fixtures.recalling import recalling
from fixtures.stores import memory_stores

CANCELLED = RunCompleted(reason=TerminationReason.CANCELLED, cancel_reason=CancelReason.USER)


async def _never_ends(task: AgentTask) -> AsyncGenerator[EventKind]:
    yield TokenBatch(text="so far")
    await asyncio.Event().wait()


def _cancel(house: House, jobs: Jobs) -> CancelRun:
    end = EndRun(
        runs=house.stores.runs, log=house.stores.log, fan_out=house.fan_out, clock=house.clock
    )
    return CancelRun(runs=house.stores.runs, end=end, jobs=jobs)


def _jobs(house: House, script: Script = _never_ends) -> Dispatcher:
    execute = ExecuteRun(
        runs=house.stores.runs,
        log=house.stores.log,
        fan_out=house.fan_out,
        recall=recalling(house.stores),
        journal=house.stores.journal,
        runner=ScriptedRunner(script),
        agents=AGENTS,
        model_name="scripted",
        clock=house.clock,
    )
    return dispatcher(house.stores, execute=execute, runs_at_once=1, fan_out=house.fan_out)


async def _watched_to_the_end(house: House, run: Run) -> list[EventKind]:
    async with asyncio.timeout(3):
        return [event.kind async for event in house.watched(run)]


async def test_a_run_at_work_ends_and_keeps_its_text(house: House) -> None:
    async with _jobs(house) as jobs:
        run = await house.queued()
        jobs.wake()
        await asyncio.sleep(0.02)
        answer = await _cancel(house, jobs)(context_of(house.home), run_id=run.run_id)
        assert answer.cancel_requested
        kinds = await _watched_to_the_end(house, run)
    assert text_of(kinds) == "so far"
    assert kinds[-1] == CANCELLED


async def test_a_run_that_waits_for_its_turn_ends_at_once(house: House) -> None:
    async with _jobs(house) as jobs:
        first, second = await house.queued(), await house.queued()
        jobs.wake()
        await asyncio.sleep(0.02)
        answer = await _cancel(house, jobs)(context_of(house.home), run_id=second.run_id)
        assert answer.state is RunState.ENDED
        assert (await _watched_to_the_end(house, second))[-1] == CANCELLED
        assert (await house.stores.runs.get(first.space_id, first.run_id)).state is RunState.RUNNING


@pytest.mark.parametrize("ticks", range(8))
async def test_a_run_cancelled_in_any_moment_of_its_beginning_ends_once(
    house: House, ticks: int
) -> None:
    async with _jobs(house) as jobs:
        run = await house.queued()
        jobs.wake()
        for _ in range(ticks):
            await asyncio.sleep(0)
        await _cancel(house, jobs)(context_of(house.home), run_id=run.run_id)
        kinds = await _watched_to_the_end(house, run)
    assert kinds.count(CANCELLED) == 1
    assert kinds[-1] == CANCELLED


async def test_cancelling_twice_is_as_good_as_once(house: House) -> None:
    async with _jobs(house) as jobs:
        run = await house.queued()
        jobs.wake()
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


async def test_a_run_at_work_in_another_process_ends_within_a_second(house: House) -> None:
    async with _jobs(house) as there:
        run = await house.queued()
        there.wake()
        await asyncio.sleep(0.02)
        async with asyncio.timeout(1):
            answer = await _cancel(house, house.jobs)(context_of(house.home), run_id=run.run_id)
        assert (answer.state, answer.cancel_reason) == (RunState.ENDED, CancelReason.USER)
        kinds = await _watched_to_the_end(house, run)
    assert text_of(kinds) == "so far"
    assert kinds[-1] == CANCELLED


async def test_a_run_whose_process_does_not_answer_ends_all_the_same(house: House) -> None:
    await house.stores.workers.beat(silent := WorkerId(new_id()), WorkerKind.SERVER)
    run = await house.queued()
    await house.stores.runs.claim(run.space_id, run.run_id, silent)
    async with asyncio.timeout(10):
        answer = await _cancel(house, house.jobs)(context_of(house.home), run_id=run.run_id)
    assert answer.state is RunState.ENDED
    assert (await house.kinds(run))[-1] == CANCELLED


async def test_a_run_cancelled_in_the_very_moment_in_which_it_pauses_ends(house: House) -> None:
    async def pauses(task: AgentTask) -> AsyncGenerator[EventKind]:
        # In this process nobody interrupts it: it has said its last word before it is told.
        await house.stores.runs.request_cancel(task.space_id, task.run_id)
        yield RunPaused(pause_id="p-1", prompt="Approve this?")

    async with _jobs(house, pauses) as jobs:
        run = await house.queued()
        jobs.wake()
        assert (await _watched_to_the_end(house, run))[-1] == CANCELLED


class _SlowTool:
    """Called by its agent, and never done; it knows whether it was let go."""

    name = "keyword_report"
    effect = Effect.KEYED

    def __init__(self) -> None:
        self.called = asyncio.Event()
        self.stopped = False

    def arguments_json(self, given: ToolInput) -> str:
        return "{}"

    async def call(self, given: ToolInput) -> ToolOutput:
        self.called.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped = True
        raise AssertionError("nobody sets that event")


async def test_a_stop_reaches_the_tool_at_work_within_a_second() -> None:
    ground, tool = a_ground(await a_shop(stores=memory_stores())), _SlowTool()
    house, execute = ground.house, ground.process(tools={tool.name: tool}).execute
    async with dispatcher(house.stores, execute=execute, fan_out=house.fan_out) as jobs:
        run = await ground.asked()
        jobs.wake()
        async with asyncio.timeout(5):
            await tool.called.wait()
        async with asyncio.timeout(1):
            await _cancel(house, jobs)(context_of(house.home), run_id=run.run_id)
            kinds = await _watched_to_the_end(house, run)
    assert tool.stopped
    assert kinds[-1] == CANCELLED
