"""StartRun: a question is accepted once."""

import asyncio
from uuid import UUID

import pytest

from application.context import SpaceHeaderMissing
from application.jobs import ExecuteRunJob
from application.runs.start import StartRun
from domain.agents.definition import UnknownAgent
from domain.conversations.conversation import ConversationNotFound
from domain.identifiers import ConversationId
from domain.paging import PageRequest
from domain.runs.event import RunQueued
from domain.runs.run import Question, RequestIdReused, RunState
from domain.tenancy.access import ActionNotAllowed, Role
from fixtures.house import AGENTS, House, context_of
from fixtures.making import new_id

ASKED = Question(agent="seo", text="Which fish?")
REQUEST = UUID(int=0)


def _start(house: House) -> StartRun:
    return StartRun(
        runs=house.stores.runs,
        jobs=house.jobs,
        agents=AGENTS,
        clock=house.clock,
        entropy=house.entropy,
    )


async def _runs(house: House) -> int:
    return len((await house.stores.runs.list(house.home.space, PageRequest())).items)


async def test_a_question_becomes_a_queued_run_with_event_1_and_a_job(house: House) -> None:
    run = await _start(house)(context_of(house.home), question=ASKED, request_id=None)
    assert (run.state, run.last_sequence, run.question) == (RunState.QUEUED, 1, ASKED)
    assert run.user_id == house.home.owner
    assert await house.kinds(run) == [RunQueued(run_id=run.run_id, agent="seo")]
    assert house.jobs.submitted == [ExecuteRunJob(space_id=run.space_id, run_id=run.run_id)]


async def test_the_same_request_starts_one_run(house: House) -> None:
    start, context = _start(house), context_of(house.home)
    first = await start(context, question=ASKED, request_id=REQUEST)
    again = await start(context, question=ASKED, request_id=REQUEST)
    assert again.run_id == first.run_id
    assert len(house.jobs.submitted) == 1


async def test_without_a_request_id_every_call_starts_a_run(house: House) -> None:
    for _ in range(2):
        await _start(house)(context_of(house.home), question=ASKED, request_id=None)
    assert len(house.jobs.submitted) == await _runs(house) == 2


async def test_a_request_id_used_for_another_question_is_refused(house: House) -> None:
    start, context = _start(house), context_of(house.home)
    await start(context, question=ASKED, request_id=REQUEST)
    other = Question(agent="seo", text="Which bird?")
    with pytest.raises(RequestIdReused):
        await start(context, question=other, request_id=REQUEST)
    assert len(house.jobs.submitted) == 1


async def test_an_unknown_agent_is_refused_and_the_known_ones_named(house: House) -> None:
    question = Question(agent="poet", text="Which fish?")
    with pytest.raises(UnknownAgent, match="brand, email, seo, strategy") as refusal:
        await _start(house)(context_of(house.home), question=question, request_id=None)
    assert (refusal.value.reason, refusal.value.field) == ("UNKNOWN_AGENT", "agent")
    assert await _runs(house) == 0


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.VIEWER])
async def test_who_may_only_read_may_not_ask(house: House, role: Role) -> None:
    with pytest.raises(ActionNotAllowed):
        await _start(house)(context_of(house.home, role), question=ASKED, request_id=None)
    assert await _runs(house) == 0


async def test_a_request_without_a_space_is_refused(house: House) -> None:
    with pytest.raises(SpaceHeaderMissing) as refusal:
        await _start(house)(context_of(house.home, None), question=ASKED, request_id=None)
    assert refusal.value.field == "x-space-id"


async def test_a_question_in_no_conversation_of_the_space_starts_nothing(house: House) -> None:
    question = Question(agent="seo", text="?", conversation_id=ConversationId(new_id()))
    with pytest.raises(ConversationNotFound):
        await _start(house)(context_of(house.home), question=question, request_id=REQUEST)
    assert house.jobs.submitted == []


@pytest.mark.parametrize("ticks", range(6))
async def test_a_caller_that_leaves_leaves_no_run_without_its_job(house: House, ticks: int) -> None:
    call = asyncio.ensure_future(
        _start(house)(context_of(house.home), question=ASKED, request_id=None)
    )
    for _ in range(ticks):
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait({call})
    assert await _runs(house) == len(house.jobs.submitted)
