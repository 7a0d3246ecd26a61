"""StartRun: a question is accepted once."""

import asyncio
from uuid import UUID

import pytest

from application.context import SpaceHeaderMissing
from application.runs.cancel import CancelRun
from application.runs.end import EndRun
from application.runs.start import StartRun
from domain.agents.definition import UnknownAgent
from domain.conversations.conversation import ConversationNotFound
from domain.errors import Unavailable
from domain.identifiers import ConversationId
from domain.paging import PageRequest
from domain.runs.admission import ConversationBusy, DoubleText, RunLimits, RunQueueFull
from domain.runs.event import RunCompleted, RunQueued
from domain.runs.run import (
    CancelReason,
    Question,
    RequestIdReused,
    Run,
    RunState,
    TerminationReason,
)
from domain.tenancy.access import ActionNotAllowed, Role
from fixtures.house import AGENTS, House, context_of
from fixtures.making import conversation, new_id

ASKED = Question(agent="seo", text="Which fish?")
REQUEST = UUID(int=0)
LIMITS = RunLimits(running=2, queued=3)


def _start(house: House) -> StartRun:
    stores = house.stores
    end = EndRun(runs=stores.runs, log=stores.log, fan_out=house.fan_out, clock=house.clock)
    return StartRun(
        runs=stores.runs,
        jobs=house.jobs,
        cancel=CancelRun(runs=stores.runs, end=end, jobs=house.jobs),
        agents=AGENTS,
        limits=LIMITS,
        clock=house.clock,
        entropy=house.entropy,
    )


async def _runs(house: House) -> int:
    return len((await house.stores.runs.list(house.home.space, PageRequest())).items)


async def test_a_question_becomes_a_queued_run_with_event_1_and_somebody_is_woken(
    house: House,
) -> None:
    run = await _start(house)(context_of(house.home), question=ASKED, request_id=None)
    assert (run.state, run.last_sequence, run.question) == (RunState.QUEUED, 1, ASKED)
    assert run.user_id == house.home.owner
    assert await house.kinds(run) == [RunQueued(run_id=run.run_id, agent="seo")]
    assert (house.jobs.woken, house.jobs.begun) == (1, [])


async def test_the_same_request_starts_one_run(house: House) -> None:
    start, context = _start(house), context_of(house.home)
    first = await start(context, question=ASKED, request_id=REQUEST)
    again = await start(context, question=ASKED, request_id=REQUEST)
    assert again.run_id == first.run_id
    assert house.jobs.woken == 1


async def test_without_a_request_id_every_call_starts_a_run(house: House) -> None:
    for _ in range(2):
        await _start(house)(context_of(house.home), question=ASKED, request_id=None)
    assert house.jobs.woken == await _runs(house) == 2


async def test_a_request_id_used_for_another_question_is_refused(house: House) -> None:
    start, context = _start(house), context_of(house.home)
    await start(context, question=ASKED, request_id=REQUEST)
    other = Question(agent="seo", text="Which bird?")
    with pytest.raises(RequestIdReused):
        await start(context, question=other, request_id=REQUEST)
    assert house.jobs.woken == 1


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
    assert (house.jobs.woken, house.jobs.room) == (0, 0)


@pytest.mark.parametrize("ticks", range(6))
async def test_a_caller_that_leaves_leaves_no_run_that_nobody_looks_for(
    house: House, ticks: int
) -> None:
    call = asyncio.ensure_future(
        _start(house)(context_of(house.home), question=ASKED, request_id=None)
    )
    for _ in range(ticks):
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait({call})
    assert await _runs(house) == house.jobs.woken


async def test_a_run_begins_at_once_where_there_is_room(house: House) -> None:
    house.jobs.room = 1
    run = await _start(house)(context_of(house.home), question=ASKED, request_id=REQUEST)
    assert (run.state, run.worker_id) == (RunState.RUNNING, house.jobs.worker)
    assert (house.jobs.begun, house.jobs.woken) == ([run], 0)
    later = await _start(house)(context_of(house.home), question=ASKED, request_id=None)
    assert later.state is RunState.QUEUED


async def test_a_place_that_was_not_used_is_given_back(house: House) -> None:
    start, context = _start(house), context_of(house.home)
    await start(context, question=ASKED, request_id=REQUEST)
    house.jobs.room = 1
    await start(context, question=ASKED, request_id=REQUEST)
    lost = Question(agent="seo", text="?", conversation_id=ConversationId(new_id()))
    with pytest.raises(ConversationNotFound):
        await start(context, question=lost, request_id=None)
    assert (house.jobs.room, house.jobs.begun) == (1, [])


async def test_a_space_that_has_too_many_waiting_is_told_its_limit(house: House) -> None:
    start, context = _start(house), context_of(house.home)
    for _ in range(3):
        await start(context, question=ASKED, request_id=None)
    with pytest.raises(RunQueueFull, match="3 runs"):
        await start(context, question=ASKED, request_id=None)
    assert house.jobs.woken == 3


async def _in_a_conversation(house: House) -> Question:
    thread = conversation(house.home)
    await house.stores.conversations.add(thread)
    return Question(agent="seo", text="Which fish?", conversation_id=thread.conversation_id)


async def test_reject_is_told_that_the_conversation_is_busy(house: House) -> None:
    start, context, asked = _start(house), context_of(house.home), await _in_a_conversation(house)
    await start(context, question=asked, request_id=None)
    with pytest.raises(ConversationBusy):
        await start(context, question=asked, request_id=None, double_text=DoubleText.REJECT)


@pytest.mark.parametrize("double_text", [DoubleText.INTERRUPT, DoubleText.ROLLBACK])
async def test_a_waiting_run_whose_place_is_taken_ends_as_superseded(
    house: House, double_text: DoubleText
) -> None:
    start, context, asked = _start(house), context_of(house.home), await _in_a_conversation(house)
    first = await start(context, question=asked, request_id=None)
    await start(context, question=asked, request_id=None, double_text=double_text)
    assert (await house.kinds(first))[-1] == RunCompleted(
        reason=TerminationReason.CANCELLED, cancel_reason=CancelReason.SUPERSEDED
    )


async def test_a_run_at_work_is_interrupted_where_it_is(house: House) -> None:
    start, context, asked = _start(house), context_of(house.home), await _in_a_conversation(house)
    house.jobs.room = 1
    first = await start(context, question=asked, request_id=None)
    second = await start(context, question=asked, request_id=None, double_text=DoubleText.INTERRUPT)
    assert house.jobs.cancelled == [first.run_id]
    assert (await house.stores.runs.get(first.space_id, first.run_id)).state is RunState.RUNNING
    assert second.state is RunState.QUEUED


async def test_a_question_is_accepted_although_the_run_before_it_cannot_be_ended_just_now(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, context, asked = _start(house), context_of(house.home), await _in_a_conversation(house)
    first = await start(context, question=asked, request_id=None)

    async def away(*_: object) -> Run:
        raise Unavailable("the database does not answer; try again")

    with monkeypatch.context() as patch:
        patch.setattr(house.stores.runs, "get", away)
        second = await start(
            context, question=asked, request_id=None, double_text=DoubleText.INTERRUPT
        )
    assert (await house.kinds(second)) == [RunQueued(run_id=second.run_id, agent="seo")]
    # Marked, and claimable: whoever takes it up next ends it.
    left = await house.stores.runs.get(first.space_id, first.run_id)
    assert (left.state, left.cancel_requested) == (RunState.QUEUED, True)


async def test_a_run_that_is_rolled_back_ends_and_the_new_one_begins(house: House) -> None:
    start, context, asked = _start(house), context_of(house.home), await _in_a_conversation(house)
    house.jobs.room = 2
    first = await start(context, question=asked, request_id=None)
    second = await start(context, question=asked, request_id=None, double_text=DoubleText.ROLLBACK)
    assert [one.run_id for one in house.jobs.begun] == [first.run_id, second.run_id]
    ended = await house.stores.runs.get(first.space_id, first.run_id)
    assert (ended.state, ended.cancel_reason) == (RunState.ENDED, CancelReason.SUPERSEDED)
