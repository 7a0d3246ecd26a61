"""ExecuteRun: every run ends with a reason in its log."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pytest

from application.runs.execute import ExecuteRun
from domain.agents.budget import BudgetSpent
from domain.agents.chat import ChatMessage, Role
from domain.agents.definition import AgentCatalogue
from domain.agents.task import AgentTask
from domain.errors import Unavailable
from domain.identifiers import SpaceId
from domain.runs.event import (
    Drafted,
    EventKind,
    RunCompleted,
    RunStarted,
    StageTimed,
    TokenBatch,
    stopped,
)
from domain.runs.run import CancelReason, Run, RunState, TerminationReason
from fixtures.dispatching import until
from fixtures.house import AGENTS, House, Script, ScriptedRunner, text_of
from fixtures.making import conversation
from fixtures.making import run as a_run
from fixtures.recalling import recalling
from fixtures.taking_up import TakeUpRun

COMPLETE = RunCompleted(reason=TerminationReason.COMPLETE)


async def _says_hello(task: AgentTask) -> AsyncGenerator[EventKind]:
    for piece in ("Hel", "lo", "!"):
        yield TokenBatch(text=piece)
        await asyncio.sleep(0)
    yield COMPLETE


async def _never_ends(task: AgentTask) -> AsyncGenerator[EventKind]:
    yield TokenBatch(text="as far as this")
    await asyncio.Event().wait()


def _execute(house: House, script: Script | ScriptedRunner, **changed: object) -> TakeUpRun:
    runner = script if isinstance(script, ScriptedRunner) else ScriptedRunner(script)
    agents = changed.get("agents", AGENTS)
    foresee = changed.get("foresee")
    assert isinstance(agents, AgentCatalogue)
    assert foresee is None or callable(foresee)
    execute = ExecuteRun(
        runs=house.stores.runs,
        log=house.stores.log,
        fan_out=house.fan_out,
        recall=recalling(house.stores),
        journal=house.stores.journal,
        runner=runner,
        agents=agents,
        model_name="scripted",
        clock=house.clock,
        foresee=foresee,
    )
    return TakeUpRun(runs=house.stores.runs, execute=execute)


async def _executed(house: House, script: Script, **changed: object) -> list[EventKind]:
    run = await house.queued()
    async with asyncio.timeout(10):
        await _execute(house, script, **changed)(run.space_id, run.run_id)
    return await house.kinds(run)


def _in_a_hurry(seconds: float) -> AgentCatalogue:
    return AgentCatalogue(
        tuple(
            replace(agent, limits=replace(agent.limits, deadline_seconds=seconds))
            for agent in AGENTS.agents
        )
    )


def _last(kinds: list[EventKind]) -> RunCompleted:
    assert isinstance(kinds[-1], RunCompleted)
    assert sum(isinstance(kind, RunCompleted) for kind in kinds) == 1
    return kinds[-1]


async def test_a_run_is_driven_to_its_end(house: House) -> None:
    run = await house.queued()
    await _execute(house, _says_hello)(run.space_id, run.run_id)
    kinds = await house.kinds(run)
    assert kinds[1] == RunStarted(chat_model="scripted", attempt=1)
    assert text_of(kinds) == "Hello!"
    assert _last(kinds) == COMPLETE
    ended = await house.stores.runs.get(run.space_id, run.run_id)
    assert (ended.state, ended.termination_reason) == (RunState.ENDED, TerminationReason.COMPLETE)


async def test_the_agent_is_told_what_was_asked(house: House) -> None:
    runner, run = ScriptedRunner(_says_hello), await house.queued("Which fish?")
    await _execute(house, runner)(run.space_id, run.run_id)
    (task,) = runner.tasks
    assert (task.question, task.agent.name, task.earlier.history) == ("Which fish?", "brand", ())


async def test_the_conversation_so_far_is_passed_without_the_question_itself(house: House) -> None:
    thread = conversation(house.home)
    await house.stores.conversations.add(thread)
    runner = ScriptedRunner(_answers)
    for text in ("First?", "Second?"):
        asked = a_run(house.home, text, conversation_id=thread.conversation_id)
        await house.stores.runs.create(asked, None)
        await _execute(house, runner)(asked.space_id, asked.run_id)
    assert runner.tasks[0].earlier.history == ()
    assert runner.tasks[1].earlier.history == (
        ChatMessage(role=Role.USER, content="First?"),
        ChatMessage(role=Role.ASSISTANT, content="It is First?"),
    )


async def _answers(task: AgentTask) -> AsyncGenerator[EventKind]:
    yield Drafted(text=f"It is {task.question}")
    yield COMPLETE


async def test_a_run_over_its_deadline_ends_and_keeps_what_was_streamed(house: House) -> None:
    kinds = await _executed(house, _never_ends, agents=_in_a_hurry(0.05))
    assert text_of(kinds) == "as far as this"
    assert _last(kinds) == stopped(CancelReason.DEADLINE, "over 0 seconds")


async def test_a_run_that_used_up_its_tokens_ends_in_the_middle_of_a_step(house: House) -> None:
    left = asyncio.Event()

    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        try:
            yield TokenBatch(text="as far as this")
            raise BudgetSpent(7)
        finally:
            left.set()

    run = await house.queued()
    await _execute(house, script)(run.space_id, run.run_id)
    kinds = await house.kinds(run)
    assert (text_of(kinds), left.is_set()) == ("as far as this", True)
    assert _last(kinds).reason is TerminationReason.BUDGET
    ended = await house.stores.runs.get(run.space_id, run.run_id)
    assert (ended.state, ended.cancel_reason) == (RunState.ENDED, CancelReason.BUDGET)


async def test_an_agent_that_stops_between_steps_for_its_budget_says_the_same(house: House) -> None:
    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        yield RunCompleted(reason=TerminationReason.BUDGET)

    ended = _last(await _executed(house, script))
    assert (ended.reason, ended.cancel_reason) == (TerminationReason.BUDGET, CancelReason.BUDGET)


async def test_a_run_that_a_user_stopped_before_its_deadline_says_so(house: House) -> None:
    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        await house.stores.runs.request_cancel(task.space_id, task.run_id)
        yield TokenBatch(text="so far")
        await asyncio.Event().wait()

    ended = _last(await _executed(house, script, agents=_in_a_hurry(0.05)))
    assert ended == stopped(CancelReason.USER)


async def test_a_deadline_ends_no_run_that_another_writer_has(house: House) -> None:
    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        await house.stores.runs.claim(task.space_id, task.run_id)
        await asyncio.Event().wait()
        yield COMPLETE

    run = await house.queued()
    await _execute(house, script, agents=_in_a_hurry(0.05))(run.space_id, run.run_id)
    kept = await house.stores.runs.get(run.space_id, run.run_id)
    assert (kept.state, kept.cancel_requested) == (RunState.RUNNING, False)


async def test_a_timeout_of_something_else_is_not_called_the_deadline(house: House) -> None:
    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        yield TokenBatch(text="so far")
        raise TimeoutError("db.internal:5432")

    ended = _last(await _executed(house, script))
    assert ended.reason is TerminationReason.ERROR
    assert "5432" not in ended.detail


async def test_a_known_failure_is_told(house: House) -> None:
    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        yield TokenBatch(text="so far")
        raise Unavailable("the model does not answer")

    kinds = await _executed(house, script)
    assert text_of(kinds) == "so far"
    assert _last(kinds) == RunCompleted(
        reason=TerminationReason.ERROR, detail="the model does not answer"
    )


async def test_a_failure_right_after_the_first_token_ends_the_run(house: House) -> None:
    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        await asyncio.sleep(0.005)
        yield StageTimed(stage="retrieve", seconds=0.1)
        await asyncio.sleep(0.005)  # the start is committed, and the writer gathers a batch
        yield TokenBatch(text="first")
        raise Unavailable("the model went away")

    kinds = await _executed(house, script)
    assert text_of(kinds) == "first"
    assert _last(kinds).detail == "the model went away"


class _Away(asyncio.Event):
    """While it is set, nothing that it keeps answers."""

    def check(self) -> None:
        if self.is_set():
            raise Unavailable("the database does not answer; try again")

    def keep(self, patch: pytest.MonkeyPatch, store: object, method: str) -> None:
        kept = getattr(store, method)

        async def asked(*given: object) -> object:
            self.check()
            return await kept(*given)

        patch.setattr(store, method, asked)


@pytest.mark.parametrize(("gives_up", "back_after"), [("the log", 0.15), ("a step", 0.05)])
async def test_a_database_that_is_away_for_long_is_no_end_and_the_run_goes_on_after_it(
    house: House, monkeypatch: pytest.MonkeyPatch, gives_up: str, back_after: float
) -> None:
    monkeypatch.setattr("application.retrying._WAITS", 1)  # one, after 0.1 s
    away = _Away()
    away.keep(monkeypatch, house.stores.log, "append")
    away.keep(monkeypatch, house.stores.runs, "get")

    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        yield TokenBatch(text="so far")
        await asyncio.sleep(0.005)
        away.set()
        asyncio.get_running_loop().call_later(back_after, away.clear)
        if gives_up == "a step":
            away.check()
        yield TokenBatch(text=" and no further")
        await asyncio.Event().wait()

    run = await house.queued()
    async with asyncio.timeout(10):
        with pytest.raises(Unavailable):
            await _execute(house, script)(run.space_id, run.run_id)
        await until(lambda: not away.is_set())
    assert (await house.stores.runs.get(run.space_id, run.run_id)).state is RunState.RUNNING
    await _execute(house, _says_hello)(run.space_id, run.run_id)
    assert _last(await house.kinds(run)) == COMPLETE


async def test_an_unforeseen_failure_ends_the_run_without_its_words(house: House) -> None:
    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        yield TokenBatch(text="so far")
        raise RuntimeError("postgres://admin:secret@db")

    ended = _last(await _executed(house, script))
    assert ended.reason is TerminationReason.ERROR
    assert "secret" not in ended.detail


async def test_a_cancellation_of_something_else_ends_the_run_instead_of_handing_it_back(
    house: House,
) -> None:
    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        yield TokenBatch(text="so far")
        shared: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        shared.cancel()
        await shared

    kinds = await _executed(house, script)
    assert text_of(kinds) == "so far"
    assert _last(kinds).reason is TerminationReason.ERROR


async def test_a_run_of_an_agent_that_is_gone_ends(house: House) -> None:
    gone = AgentCatalogue(tuple(agent for agent in AGENTS.agents if agent.name != "brand"))
    ended = _last(await _executed(house, _says_hello, agents=gone))
    assert ended.reason is TerminationReason.ERROR
    assert "brand" in ended.detail


async def test_a_run_cancelled_before_its_turn_never_reaches_the_agent(house: House) -> None:
    runner, run = ScriptedRunner(_says_hello), await house.queued()
    await house.stores.runs.request_cancel(run.space_id, run.run_id)
    await _execute(house, runner)(run.space_id, run.run_id)
    assert _last(await house.kinds(run)).reason is TerminationReason.CANCELLED
    assert runner.tasks == []


async def _begun(house: House, run: Run) -> None:
    """Until the run's first text can be seen by others."""
    async with asyncio.timeout(10), aclosing(house.watched(run)) as events:
        async for event in events:
            if isinstance(event.kind, TokenBatch):
                return


async def _cancelled_while_streaming(house: House, cancellations: int) -> list[EventKind]:
    run = await house.queued()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_execute(house, _never_ends)(run.space_id, run.run_id))
        await _begun(house, run)
        await house.stores.runs.request_cancel(run.space_id, run.run_id)
        for _ in range(cancellations):
            task.cancel()
            await asyncio.sleep(0)
    return await house.kinds(run)


@pytest.mark.parametrize("cancellations", [1, 2, 5])
async def test_a_run_cancelled_while_it_streams_ends_and_keeps_its_text(
    house: House, cancellations: int
) -> None:
    kinds = await _cancelled_while_streaming(house, cancellations)
    assert text_of(kinds) == "as far as this"
    assert _last(kinds).reason is TerminationReason.CANCELLED


async def test_a_shutdown_hands_the_run_back_and_its_text_is_kept(house: House) -> None:
    run = await house.queued()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_execute(house, _never_ends)(run.space_id, run.run_id))
        await _begun(house, run)
        task.cancel()
    assert text_of(await house.kinds(run)) == "as far as this"
    assert (await house.stores.runs.get(run.space_id, run.run_id)).state is RunState.QUEUED
    assert task.cancelled()


async def test_a_run_that_cannot_be_handed_back_at_a_shutdown_ends_and_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, run = house.stores.log.append, await house.queued()

    async def picky(*given: object) -> object:
        if TokenBatch(text=" and this") in given[3]:  # type: ignore[operator]  # the kinds
            raise ValueError("a text that no log can keep")
        return await append(*given)  # type: ignore[arg-type]  # what it was given

    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        yield TokenBatch(text="as far as this")
        try:
            await asyncio.Event().wait()
        finally:
            monkeypatch.setattr(house.stores.log, "append", picky)
            yield TokenBatch(text=" and this")

    async with asyncio.TaskGroup() as group:
        task = group.create_task(_execute(house, script)(run.space_id, run.run_id))
        await _begun(house, run)
        task.cancel()
    kinds = await house.kinds(run)
    assert text_of(kinds) == "as far as this"
    assert _last(kinds).cancel_reason is CancelReason.SHUTDOWN
    ended = await house.stores.runs.get(run.space_id, run.run_id)
    assert ended.termination_reason is TerminationReason.CANCELLED


async def test_losing_the_fence_ends_quietly(house: House) -> None:
    run = await house.queued()

    async def script(task: AgentTask) -> AsyncGenerator[EventKind]:
        yield TokenBatch(text="mine")
        await house.stores.runs.claim(run.space_id, run.run_id)
        yield TokenBatch(text="not mine")
        await asyncio.Event().wait()

    async with asyncio.timeout(10):
        await _execute(house, script)(run.space_id, run.run_id)
    assert "not mine" not in text_of(await house.kinds(run))
    assert (await house.stores.runs.get(run.space_id, run.run_id)).state is RunState.RUNNING


async def test_a_run_that_has_ended_is_let_alone(house: House) -> None:
    run = await house.queued()
    execute = _execute(house, _says_hello)
    await execute(run.space_id, run.run_id)
    before = await house.events(run)
    await execute(run.space_id, run.run_id)
    assert await house.events(run) == before


async def test_a_question_is_foreseen_before_its_conversation_is_read(house: House) -> None:
    foreseen: list[tuple[SpaceId, str]] = []

    async def told_before(task: AgentTask) -> AsyncGenerator[EventKind]:
        assert foreseen == [(task.space_id, task.question)]
        yield COMPLETE

    kinds = await _executed(
        house, told_before, foresee=lambda space, text: foreseen.append((space, text))
    )
    assert _last(kinds) == COMPLETE
    assert len(foreseen) == 1
