"""The contract of `RunStore`, on every adapter."""

import asyncio
from dataclasses import replace

import pytest

from application.ports.run_store import Accepted
from domain.conversations.conversation import ConversationNotFound
from domain.identifiers import ConversationId, DocumentId, RunId, WorkerId
from domain.paging import PageRequest
from domain.runs.admission import (
    Admission,
    RunLimits,
)
from domain.runs.event import RunCompleted, RunQueued, TokenBatch
from domain.runs.run import (
    CancelReason,
    FenceLost,
    Question,
    RequestIdReused,
    Run,
    RunNotFound,
    RunState,
    TerminationReason,
)
from fixtures.making import Home, conversation, new_id, run
from fixtures.stores import Stores

REQUEST = "5f3c"
WORKER = WorkerId(new_id())


async def _ended(stores: Stores, home: Home) -> Run:
    made = run(home)
    await stores.runs.create(made, None)
    await stores.runs.claim(home.space, made.run_id)
    last = RunCompleted(reason=TerminationReason.COMPLETE)
    await stores.log.append(home.space, made.run_id, 1, [last])
    return await stores.runs.get(home.space, made.run_id)


async def test_a_new_run_is_queued_with_event_1(stores: Stores, home: Home) -> None:
    made = run(home, 'It\'s "why" \\ 数?', document_ids=(DocumentId(new_id()),))
    assert await stores.runs.create(made, None) == Accepted(run=made, created=True)
    assert await stores.runs.get(home.space, made.run_id) == made
    (first,) = await stores.log.read(home.space, made.run_id, 0, 10)
    assert first.sequence == 1
    assert first.create_time == made.create_time
    assert first.kind == RunQueued(run_id=made.run_id, agent="brand")


async def test_runs_that_come_together_all_begin_and_a_request_among_them_once(
    stores: Stores, home: Home
) -> None:
    limits = RunLimits(running=30, queued=1)
    requests = [None] * 20 + [REQUEST] * 3
    accepted = await asyncio.gather(
        *(
            stores.runs.create(
                run(home), request, admission=Admission(limits=limits), claim_for=WORKER
            )
            for request in requests
        )
    )
    assert [one.created for one in accepted].count(False) == 2
    assert len({one.run.run_id for one in accepted}) == 21
    assert {one.run.state for one in accepted} == {RunState.RUNNING}


async def test_runs_without_request_id_are_never_the_same(stores: Stores, home: Home) -> None:
    assert (await stores.runs.create(run(home), None)).created
    assert (await stores.runs.create(run(home), None)).created
    assert len((await stores.runs.list(home.space, PageRequest())).items) == 2


async def test_the_same_request_id_answers_the_earlier_run(stores: Stores, home: Home) -> None:
    made, again = run(home), run(home)
    await stores.runs.create(made, REQUEST)
    claimed = await stores.runs.claim(home.space, made.run_id)
    assert await stores.runs.create(again, REQUEST) == Accepted(run=claimed, created=False)
    with pytest.raises(RunNotFound):
        await stores.runs.get(home.space, again.run_id)
    assert len(await stores.log.read(home.space, made.run_id, 0, 10)) == 1


async def test_a_repeated_request_asks_its_conversation_once(stores: Stores, home: Home) -> None:
    thread = conversation(home)
    await stores.conversations.add(thread)
    for _ in range(2):
        asked = run(home, conversation_id=thread.conversation_id)
        await stores.runs.create(asked, REQUEST)
    page = await stores.conversations.messages(home.space, thread.conversation_id, PageRequest())
    assert [message.content for message in page.items] == ["What do we sell?"]


async def test_a_repeated_request_is_answered_after_its_conversation_is_gone(
    stores: Stores, home: Home
) -> None:
    made = conversation(home)
    await stores.conversations.add(made)
    asked = run(home, conversation_id=made.conversation_id)
    await stores.runs.create(asked, REQUEST)
    await stores.conversations.delete(home.space, made.conversation_id)
    again = run(home, conversation_id=made.conversation_id)
    repeated = await stores.runs.create(again, REQUEST)
    assert (repeated.created, repeated.run.run_id) == (False, asked.run_id)
    with pytest.raises(RequestIdReused):
        await stores.runs.create(
            replace(again, question=replace(again.question, text="?")), REQUEST
        )
    with pytest.raises(ConversationNotFound):
        await stores.runs.create(run(home, conversation_id=made.conversation_id), "another")


@pytest.mark.parametrize(
    "question",
    [
        Question(agent="seo", text="What do we sell?"),
        Question(agent="brand", text="What else do we sell?"),
        Question(agent="brand", text="What do we sell?", document_ids=(DocumentId(new_id()),)),
    ],
    ids=["agent", "text", "documents"],
)
async def test_the_same_request_id_for_another_question_is_refused(
    stores: Stores, home: Home, question: Question
) -> None:
    await stores.runs.create(run(home, "What do we sell?"), REQUEST)
    other = replace(run(home), question=question)
    with pytest.raises(RequestIdReused):
        await stores.runs.create(other, REQUEST)
    with pytest.raises(RunNotFound):
        await stores.runs.get(home.space, other.run_id)


async def test_another_space_may_use_the_same_request_id(
    stores: Stores, home: Home, away: Home
) -> None:
    await stores.runs.create(run(home), REQUEST)
    theirs = run(away, "Something else")
    assert await stores.runs.create(theirs, REQUEST) == Accepted(run=theirs, created=True)


async def test_one_request_sent_many_times_at_once_starts_one_run(
    stores: Stores, home: Home
) -> None:
    attempts = [run(home) for _ in range(12)]
    answers = await asyncio.gather(*(stores.runs.create(one, REQUEST) for one in attempts))
    assert [answer.created for answer in answers].count(True) == 1
    assert len({answer.run.run_id for answer in answers}) == 1
    assert len((await stores.runs.list(home.space, PageRequest())).items) == 1


async def test_two_questions_racing_for_one_request_id_start_one_run(
    stores: Stores, home: Home
) -> None:
    attempts = [run(home, f"Question {n % 2}") for n in range(8)]
    answers = await asyncio.gather(
        *(stores.runs.create(one, REQUEST) for one in attempts), return_exceptions=True
    )
    started = [answer for answer in answers if isinstance(answer, Accepted)]
    refused = [answer for answer in answers if isinstance(answer, RequestIdReused)]
    assert (len(started), len(refused)) == (4, 4)
    assert len({answer.run.run_id for answer in started}) == 1


async def test_a_run_in_no_conversation_of_the_space_is_refused(
    stores: Stores, home: Home, away: Home
) -> None:
    theirs = conversation(away)
    await stores.conversations.add(theirs)
    for one in (theirs.conversation_id, ConversationId(new_id())):
        asked = run(home, conversation_id=one)
        with pytest.raises(ConversationNotFound):
            await stores.runs.create(asked, REQUEST)
        with pytest.raises(RunNotFound):
            await stores.runs.get(home.space, asked.run_id)
        assert await stores.log.read(home.space, asked.run_id, 0, 10) == ()
    # The refusal has not used the request id up.
    assert (await stores.runs.create(run(home), REQUEST)).created


async def test_another_space_answers_as_if_it_did_not_exist(
    stores: Stores, home: Home, away: Home
) -> None:
    ours = run(home)
    await stores.runs.create(ours, None)
    answers = set()
    for one in (ours.run_id, RunId(new_id())):
        for attempt in (
            stores.runs.get(away.space, one),
            stores.runs.claim(away.space, one),
            stores.runs.request_cancel(away.space, one),
        ):
            with pytest.raises(RunNotFound) as refusal:
                await attempt
            answers.add(str(refusal.value))
    assert answers == {str(RunNotFound())}
    assert await stores.runs.get(home.space, ours.run_id) == ours
    assert (await stores.runs.list(away.space, PageRequest())).items == ()


async def test_runs_come_newest_first_page_by_page(stores: Stores, home: Home) -> None:
    made = [run(home, f"Question {n}") for n in range(5)]
    for one in made:
        await stores.runs.create(one, None)
    first = await stores.runs.list(home.space, PageRequest(size=3))
    rest = await stores.runs.list(home.space, PageRequest(size=3, after=first.next_after))
    assert [*first.items, *rest.items] == made[::-1]
    assert rest.next_after is None


async def test_claiming_makes_the_run_run_under_a_new_fence(stores: Stores, home: Home) -> None:
    made = run(home)
    await stores.runs.create(made, None)
    claimed = await stores.runs.claim(home.space, made.run_id)
    assert claimed == replace(made, state=RunState.RUNNING, fence=1, attempts=1)
    assert await stores.runs.get(home.space, made.run_id) == claimed
    assert (await stores.runs.claim(home.space, made.run_id)).fence == 2


async def test_claims_at_the_same_time_get_fences_of_their_own(stores: Stores, home: Home) -> None:
    made = run(home)
    await stores.runs.create(made, None)
    claims = await asyncio.gather(*(stores.runs.claim(home.space, made.run_id) for _ in range(8)))
    assert sorted(claimed.fence for claimed in claims) == list(range(1, 9))


async def test_an_ended_run_cannot_be_claimed(stores: Stores, home: Home) -> None:
    ended = await _ended(stores, home)
    with pytest.raises(FenceLost):
        await stores.runs.claim(home.space, ended.run_id)
    assert await stores.runs.get(home.space, ended.run_id) == ended


async def test_a_cancellation_is_marked_and_stays(stores: Stores, home: Home) -> None:
    made = run(home)
    await stores.runs.create(made, None)
    marked = await stores.runs.request_cancel(home.space, made.run_id)
    assert marked == replace(made, cancel_requested=True, cancel_reason=CancelReason.USER)
    assert (await stores.runs.claim(home.space, made.run_id)).cancel_requested
    assert (await stores.runs.request_cancel(home.space, made.run_id)).cancel_requested


async def test_cancelling_an_ended_run_changes_nothing(stores: Stores, home: Home) -> None:
    ended = await _ended(stores, home)
    assert await stores.runs.request_cancel(home.space, ended.run_id) == ended
    assert await stores.runs.get(home.space, ended.run_id) == ended


async def test_a_run_that_is_handed_back_waits_and_has_spent_nothing(
    stores: Stores, home: Home
) -> None:
    made = run(home)
    begun = (await stores.runs.create(made, None, claim_for=WORKER)).run
    await stores.runs.hand_back(begun)
    assert await stores.runs.get(home.space, made.run_id) == replace(made, fence=1)
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, made.run_id, 1, [TokenBatch(text="late")])
    again = await stores.runs.claim(home.space, made.run_id, WORKER)
    await stores.runs.hand_back(begun)
    assert await stores.runs.get(home.space, made.run_id) == again


async def test_the_first_reason_to_stop_stays(stores: Stores, home: Home) -> None:
    made = run(home)
    await stores.runs.create(made, None)
    await stores.runs.request_cancel(home.space, made.run_id, CancelReason.BUDGET)
    again = await stores.runs.request_cancel(home.space, made.run_id)
    assert again.cancel_reason is CancelReason.BUDGET
