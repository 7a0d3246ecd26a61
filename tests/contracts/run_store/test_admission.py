"""The contract of `RunStore`: who is let in at once, who waits, and who is refused."""

import asyncio
from dataclasses import replace

import pytest

from application.ports.run_store import Accepted
from domain.identifiers import ConversationId, WorkerId
from domain.paging import PageRequest
from domain.runs.admission import (
    Admission,
    ConversationBusy,
    DoubleText,
    RunLimits,
    RunQueueFull,
)
from domain.runs.event import Drafted, EventKind, RunCompleted, TokenBatch
from domain.runs.run import (
    CancelReason,
    FenceLost,
    RequestIdReused,
    RunNotFound,
    RunState,
    TerminationReason,
)
from fixtures.making import Home, conversation, new_id, run
from fixtures.stores import Stores

REQUEST = "5f3c"
WORKER = WorkerId(new_id())


async def _thread(stores: Stores, home: Home) -> ConversationId:
    made = conversation(home)
    await stores.conversations.add(made)
    return made.conversation_id


async def _contents(stores: Stores, home: Home, thread: ConversationId) -> list[str]:
    page = await stores.conversations.messages(home.space, thread, PageRequest())
    return [message.content for message in page.items]


def _terms(double_text: DoubleText) -> Admission:
    return Admission(double_text=double_text)


async def test_a_run_is_its_workers_at_once_when_there_is_room(stores: Stores, home: Home) -> None:
    made = run(home)
    accepted = await stores.runs.create(made, None, claim_for=WORKER)
    begun = replace(made, state=RunState.RUNNING, fence=1, attempts=1, worker_id=WORKER)
    assert accepted == Accepted(run=begun, created=True, claimed=True)
    assert await stores.runs.get(home.space, made.run_id) == begun
    last = RunCompleted(reason=TerminationReason.COMPLETE)
    (event,) = await stores.log.append(home.space, made.run_id, 1, [last])
    assert event.sequence == 2


async def test_a_run_over_its_spaces_limit_waits(stores: Stores, home: Home, away: Home) -> None:
    few = Admission(limits=RunLimits(running=2))
    claimed = [
        (await stores.runs.create(run(home), None, admission=few, claim_for=WORKER)).claimed
        for _ in range(4)
    ]
    assert claimed == [True, True, False, False]
    accepted = await stores.runs.create(run(away), None, admission=few, claim_for=WORKER)
    assert accepted.claimed, "another space has limits of its own"


async def test_a_new_run_does_not_overtake_one_that_waits(stores: Stores, home: Home) -> None:
    await stores.runs.create(run(home), None)
    assert not (await stores.runs.create(run(home), None, claim_for=WORKER)).claimed


async def test_the_queue_of_a_space_has_an_end(stores: Stores, home: Home, away: Home) -> None:
    short = Admission(limits=RunLimits(running=1, queued=3))
    for _ in range(3):
        await stores.runs.create(run(home), None, admission=short)
    refused = run(home)
    with pytest.raises(RunQueueFull) as refusal:
        await stores.runs.create(refused, REQUEST, admission=short)
    assert (refusal.value.reason, refusal.value.metadata) == (
        "RUN_QUEUE_FULL",
        {"queue_limit": "3"},
    )
    with pytest.raises(RunNotFound):
        await stores.runs.get(home.space, refused.run_id)
    assert (await stores.runs.create(run(away), None, admission=short)).created


async def test_a_queue_that_is_full_still_answers_a_repeated_request(
    stores: Stores, home: Home
) -> None:
    short = Admission(limits=RunLimits(running=1, queued=1))
    first = await stores.runs.create(run(home), REQUEST, admission=short)
    again = await stores.runs.create(run(home), REQUEST, admission=short)
    assert again == Accepted(run=first.run, created=False)


async def test_the_same_request_on_other_terms_is_refused(stores: Stores, home: Home) -> None:
    await stores.runs.create(run(home), REQUEST)
    for double_text in (DoubleText.REJECT, DoubleText.INTERRUPT, DoubleText.ROLLBACK):
        with pytest.raises(RequestIdReused):
            await stores.runs.create(run(home), REQUEST, admission=_terms(double_text))
    with pytest.raises(RequestIdReused):
        await stores.runs.create(replace(run(home), require_approval=True), REQUEST)


async def test_reject_refuses_while_an_answer_is_on_its_way(stores: Stores, home: Home) -> None:
    thread, reject = await _thread(stores, home), _terms(DoubleText.REJECT)
    first = run(home, conversation_id=thread)
    accepted = await stores.runs.create(first, REQUEST, admission=reject, claim_for=WORKER)
    refused = run(home, "And?", conversation_id=thread)
    with pytest.raises(ConversationBusy) as refusal:
        await stores.runs.create(refused, None, admission=reject, claim_for=WORKER)
    assert refusal.value.reason == "CONVERSATION_BUSY"
    again = await stores.runs.create(
        run(home, conversation_id=thread), REQUEST, admission=reject, claim_for=WORKER
    )
    assert again == Accepted(run=accepted.run, created=False)
    assert await _contents(stores, home, thread) == ["What do we sell?"]
    last = RunCompleted(reason=TerminationReason.COMPLETE)
    await stores.log.append(home.space, first.run_id, 1, [last])
    assert (await stores.runs.create(refused, None, admission=reject, claim_for=WORKER)).claimed


async def test_enqueue_lets_the_new_question_wait(stores: Stores, home: Home) -> None:
    thread = await _thread(stores, home)
    await stores.runs.create(run(home, conversation_id=thread), None, claim_for=WORKER)
    second = await stores.runs.create(
        run(home, "And?", conversation_id=thread), None, claim_for=WORKER
    )
    assert (second.claimed, second.superseded) == (False, ())
    assert await _contents(stores, home, thread) == ["What do we sell?", "And?"]
    elsewhere = await stores.runs.create(run(home), None, claim_for=WORKER)
    assert elsewhere.claimed, "one that waits for its conversation keeps no other waiting"


async def test_interrupt_marks_what_is_on_its_way(stores: Stores, home: Home) -> None:
    thread = await _thread(stores, home)
    made = [run(home, conversation_id=thread) for _ in range(3)]
    await stores.runs.create(made[0], None, claim_for=WORKER)
    await stores.runs.create(made[1], None)
    accepted = await stores.runs.create(
        made[2], None, admission=_terms(DoubleText.INTERRUPT), claim_for=WORKER
    )
    assert (accepted.claimed, accepted.superseded) == (False, (made[0].run_id, made[1].run_id))
    for one, state in zip(made[:2], (RunState.RUNNING, RunState.QUEUED), strict=True):
        kept = await stores.runs.get(home.space, one.run_id)
        assert (kept.state, kept.cancel_reason) == (state, CancelReason.SUPERSEDED)
    assert len(await _contents(stores, home, thread)) == 3
    kept = await stores.runs.get(home.space, made[0].run_id)
    await stores.log.append(home.space, kept.run_id, kept.fence, [TokenBatch(text="so far")])


async def test_rollback_takes_questions_and_answers_out_and_begins(
    stores: Stores, home: Home
) -> None:
    thread = await _thread(stores, home)
    ended, first = run(home, "First?", conversation_id=thread), run(home, conversation_id=thread)
    await stores.runs.create(ended, None, claim_for=WORKER)
    last: list[EventKind] = [Drafted(text="Yes."), RunCompleted(reason=TerminationReason.COMPLETE)]
    await stores.log.append(home.space, ended.run_id, 1, last)
    await stores.runs.create(first, None, claim_for=WORKER)
    await stores.log.append(home.space, first.run_id, 1, [Drafted(text="Nets.")])
    accepted = await stores.runs.create(
        run(home, "Rather?", conversation_id=thread),
        None,
        admission=_terms(DoubleText.ROLLBACK),
        claim_for=WORKER,
    )
    assert (accepted.claimed, accepted.superseded) == (True, (first.run_id,))
    assert await _contents(stores, home, thread) == ["First?", "Yes.", "Rather?"]
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, first.run_id, 1, [Drafted(text="Still nets.")])
    kept = await stores.runs.get(home.space, first.run_id)
    assert (kept.state, kept.cancel_reason) == (RunState.QUEUED, CancelReason.SUPERSEDED)
    assert await _contents(stores, home, thread) == ["First?", "Yes.", "Rather?"]


async def test_two_questions_at_once_that_reject_each_other_start_one_run(
    stores: Stores, home: Home
) -> None:
    thread, reject = await _thread(stores, home), _terms(DoubleText.REJECT)
    answers = await asyncio.gather(
        *(
            stores.runs.create(
                run(home, conversation_id=thread), None, admission=reject, claim_for=WORKER
            )
            for _ in range(8)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Accepted) for answer in answers) == 1
    assert sum(isinstance(answer, ConversationBusy) for answer in answers) == 7
