"""ExpirePauses: a paused run that nobody answers ends, and its conversation goes on."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
import pytest_asyncio

from adapters.memory.clock import FixedClock
from adapters.postgres.pool import Pool
from application.runs.execute import ExecuteRun
from application.runs.expire import ExpirePauses
from domain.agents.task import AgentTask
from domain.conversations.conversation import Conversation
from domain.paging import PageRequest
from domain.runs.event import Drafted, EventKind, RunCompleted, RunPaused, stopped
from domain.runs.pause import PausePolicy
from domain.runs.run import CancelReason, Run, RunState, TerminationReason
from fixtures.dispatching import dispatcher, until
from fixtures.house import AGENTS, House, ScriptedRunner, new_house
from fixtures.making import conversation, new_home, run
from fixtures.recalling import recalling
from fixtures.stores import Stores, memory_stores, postgres_stores

WEEK = timedelta(weeks=1)


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return memory_stores()
    pool: Pool = request.getfixturevalue("pool")
    return postgres_stores(pool)


@pytest_asyncio.fixture
async def house(stores: Stores) -> House:
    return new_house(stores, await new_home(stores.tenancy))


async def _waits_once(task: AgentTask) -> AsyncGenerator[EventKind]:
    yield Drafted(text=f"It is {task.question}")
    if task.question == "First?":
        yield RunPaused(pause_id="p-1", prompt="Approve this?")
    else:
        yield RunCompleted(reason=TerminationReason.COMPLETE)


def _execute(house: House) -> ExecuteRun:
    return ExecuteRun(
        runs=house.stores.runs,
        log=house.stores.log,
        fan_out=house.fan_out,
        recall=recalling(house.stores),
        journal=house.stores.journal,
        runner=ScriptedRunner(_waits_once),
        agents=AGENTS,
        model_name="scripted",
        clock=house.clock,
    )


async def _asked(house: House, thread: Conversation, text: str) -> Run:
    asked = run(house.home, text, conversation_id=thread.conversation_id)
    return (await house.stores.runs.create(asked, None)).run


async def _is(house: House, one: Run, state: RunState) -> bool:
    return (await house.stores.runs.get(one.space_id, one.run_id)).state is state


async def test_a_pause_that_nobody_answers_ends_and_the_next_question_is_answered(
    house: House,
) -> None:
    thread = conversation(house.home)
    await house.stores.conversations.add(thread)
    first, second = [await _asked(house, thread, text) for text in ("First?", "Second?")]
    async with dispatcher(house.stores, execute=_execute(house)) as jobs:
        await until(lambda: _is(house, first, RunState.PAUSED))
        pause = (await house.stores.runs.get(first.space_id, first.run_id)).pause
        assert pause is not None
        clock = FixedClock(pause.since + WEEK)
        expire = ExpirePauses(
            pauses=house.stores.pauses, jobs=jobs, policy=PausePolicy(life=WEEK), clock=clock
        )
        await expire()
        assert await _is(house, first, RunState.PAUSED), "it is a week to the moment"
        clock.advance(0.001)
        await expire()
        await until(lambda: _is(house, second, RunState.ENDED))
    assert (await house.kinds(first))[-1] == stopped(CancelReason.EXPIRED)
    ended = await house.stores.runs.get(first.space_id, first.run_id)
    assert ended.termination_reason is TerminationReason.EXPIRED
    said = await house.stores.conversations.messages(
        house.home.space, thread.conversation_id, PageRequest()
    )
    texts = [message.content for message in said.items]
    assert texts == ["First?", "Second?", "It is Second?"], "what nobody approved is no answer"
