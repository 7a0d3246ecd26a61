"""The contract of `RunJournal`, on every adapter."""

import asyncio
from dataclasses import replace

import pytest

from domain.agents.chat import Role
from domain.identifiers import RunId, UserId
from domain.paging import PageRequest
from domain.runs.codec import answer_in
from domain.runs.event import Drafted, RunCompleted, RunPaused, RunResumed, TokenBatch
from domain.runs.journal import MOST_MARK_BYTES, Mark, MarkKind
from domain.runs.pause import Answer, Decision, Pause
from domain.runs.run import FenceLost, Run, RunState, TerminationReason
from fixtures.making import Home, conversation, new_id, run
from fixtures.stores import Stores

HARD = "Grüße 数 \x00 \ud83c".encode("utf-8", "surrogatepass") + bytes(range(256))
PAUSED = RunPaused(pause_id="p-1", prompt="Approve this?")
ENDINGS = [RunCompleted(reason=reason) for reason in TerminationReason]


async def _claimed(stores: Stores, home: Home, made: Run | None = None) -> Run:
    made = made or run(home)
    await stores.runs.create(made, None)
    return await stores.runs.claim(home.space, made.run_id)


def _mark(kind: MarkKind, key: str = "", payload: bytes = b"{}", scope: str = "") -> Mark:
    return Mark(kind=kind, scope=scope, key=key, payload=payload)


async def _keep(stores: Stores, mine: Run, *marks: Mark) -> None:
    await stores.log.append(mine.space_id, mine.run_id, mine.fence, [], marks)


async def _kept(stores: Stores, mine: Run) -> set[Mark]:
    return set(await stores.journal.read(mine.space_id, mine.run_id))


def _answer(home: Home, decision: Decision = Decision.APPROVE, pause_id: str = "p-1") -> Answer:
    return Answer(pause_id=pause_id, decision=decision, note="Grüße 🎉", user_id=home.owner)


async def _paused(stores: Stores, home: Home, made: Run | None = None) -> Run:
    mine = await _claimed(stores, home, made)
    await stores.log.append(home.space, mine.run_id, mine.fence, [PAUSED])
    return mine


async def test_what_was_kept_is_what_is_read(stores: Stores, home: Home) -> None:
    mine = await _claimed(stores, home)
    marks = [_mark(kind, f"key/{kind.value} 数", HARD, scope="a|b:1") for kind in MarkKind]
    await _keep(stores, mine, *marks)
    assert await _kept(stores, mine) == set(marks)
    assert await stores.runs.get(home.space, mine.run_id) == mine


async def test_a_mark_is_kept_with_the_events_beside_it(stores: Stores, home: Home) -> None:
    mine, mark = await _claimed(stores, home), _mark(MarkKind.CHANNEL, "a")
    events = await stores.log.append(
        home.space, mine.run_id, 1, [TokenBatch(text="a"), TokenBatch(text="b")], [mark]
    )
    assert [event.sequence for event in events] == [2, 3]
    assert await _kept(stores, mine) == {mark}


async def test_a_mark_of_the_same_name_replaces_the_one_before(stores: Stores, home: Home) -> None:
    mine = await _claimed(stores, home)
    first, other = _mark(MarkKind.CHANNEL, "a", b"1"), _mark(MarkKind.CHANNEL, "b", b"1")
    await _keep(stores, mine, first, other)
    await _keep(stores, mine, replace(first, payload=b"2"))
    assert await _kept(stores, mine) == {replace(first, payload=b"2"), other}


async def test_a_checkpoint_voids_what_its_scope_was_at_and_nothing_else(
    stores: Stores, home: Home
) -> None:
    mine = await _claimed(stores, home)
    stay = {
        _mark(MarkKind.CHANNEL, "a"),
        _mark(MarkKind.ANSWER, "a"),
        _mark(MarkKind.WRITE, "a", scope="child"),
    }
    go = {_mark(MarkKind.WRITE, "a"), _mark(MarkKind.TOOL, "a")}
    await _keep(stores, mine, *stay, *go)
    checkpoint, after = _mark(MarkKind.CHECKPOINT), _mark(MarkKind.WRITE, "a", b"after")
    await _keep(stores, mine, checkpoint, after)
    assert await _kept(stores, mine) == {*stay, checkpoint, after}


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.reason.value)
async def test_a_run_that_has_ended_remembers_nothing(
    stores: Stores, home: Home, ending: RunCompleted
) -> None:
    mine, other = await _claimed(stores, home), await _claimed(stores, home)
    for each in (mine, other):
        await _keep(stores, each, *(_mark(kind, "a") for kind in MarkKind))
    await stores.log.append(home.space, mine.run_id, 1, [ending], [_mark(MarkKind.CHANNEL, "late")])
    assert await _kept(stores, mine) == set()
    assert len(await _kept(stores, other)) == len(MarkKind)


async def test_who_has_lost_the_run_keeps_nothing_and_takes_nothing_away(
    stores: Stores, home: Home
) -> None:
    mine, mark = await _claimed(stores, home), _mark(MarkKind.TOOL, "a")
    await _keep(stores, mine, mark)
    taken_over = await stores.runs.claim(home.space, mine.run_id)
    for late in ([_mark(MarkKind.CHANNEL, "late")], [_mark(MarkKind.CHECKPOINT)]):
        with pytest.raises(FenceLost):
            await stores.log.append(home.space, mine.run_id, mine.fence, [], late)
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, mine.run_id, mine.fence, [ENDINGS[0]])
    assert await _kept(stores, taken_over) == {mark}


async def test_marks_of_many_runs_kept_at_once_go_each_to_its_own(
    stores: Stores, home: Home, away: Home
) -> None:
    runs = [await _claimed(stores, (home, away)[n % 2]) for n in range(8)]
    await stores.runs.claim(runs[3].space_id, runs[3].run_id)
    marks = [_mark(MarkKind.CHANNEL, str(n), bytes([n])) for n in range(8)]
    outcomes = await asyncio.gather(
        *(_keep(stores, mine, *marks[:n]) for n, mine in enumerate(runs)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes if outcome] == [FenceLost]
    for n, mine in enumerate(runs):
        assert await _kept(stores, mine) == (set(marks[:n]) if n != 3 else set())


async def test_another_space_cannot_read_what_a_run_remembers(
    stores: Stores, home: Home, away: Home
) -> None:
    mine = await _claimed(stores, home)
    await _keep(stores, mine, _mark(MarkKind.CHANNEL, "a"))
    assert await stores.journal.read(away.space, mine.run_id) == ()
    assert await stores.journal.read(home.space, RunId(new_id())) == ()


async def test_the_largest_mark_is_kept(stores: Stores, home: Home) -> None:
    mine, mark = await _claimed(stores, home), _mark(MarkKind.TOOL, "a", b"x" * MOST_MARK_BYTES)
    await _keep(stores, mine, mark)
    assert await _kept(stores, mine) == {mark}


async def test_a_paused_run_has_no_writer_and_says_what_it_waits_for(
    stores: Stores, home: Home
) -> None:
    mine = await _paused(stores, home)
    found = await stores.runs.get(home.space, mine.run_id)
    assert (found.state, found.worker_id) == (RunState.PAUSED, None)
    (*_, told) = await stores.log.read(home.space, found.run_id, 0, 100)
    assert found.pause == Pause(pause_id="p-1", prompt="Approve this?", since=told.create_time)
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, mine.run_id, mine.fence, [TokenBatch(text="more")])


async def test_an_answer_is_the_next_event_and_lets_the_run_wait_for_a_process(
    stores: Stores, home: Home
) -> None:
    mine, answer = await _paused(stores, home), _answer(home)
    event = await stores.journal.answer(home.space, mine.run_id, answer)
    assert event is not None
    assert event.sequence == 3
    assert event.kind == RunResumed(
        pause_id="p-1", decision=Decision.APPROVE, note="Grüße 🎉", user_id=home.owner
    )
    assert await stores.log.read(home.space, mine.run_id, 2, 10) == (event,)
    found = await stores.runs.get(home.space, mine.run_id)
    assert (found.state, found.pause, found.last_sequence) == (RunState.QUEUED, None, 3)
    (mark,) = await _kept(stores, mine)
    assert (mark.kind, mark.key, answer_in(mark)) == (MarkKind.ANSWER, "p-1", answer)
    assert (await stores.runs.claim(home.space, mine.run_id)).state is RunState.RUNNING


async def test_only_the_pause_that_a_run_has_can_be_answered_and_only_once(
    stores: Stores, home: Home, away: Home
) -> None:
    mine, busy = await _paused(stores, home), await _claimed(stores, home)
    for space, of, pause_id in (
        (home.space, mine.run_id, "p-2"),
        (away.space, mine.run_id, "p-1"),
        (home.space, busy.run_id, "p-1"),
        (home.space, RunId(new_id()), "p-1"),
    ):
        assert await stores.journal.answer(space, of, _answer(home, pause_id=pause_id)) is None
    assert (await stores.runs.get(home.space, mine.run_id)).state is RunState.PAUSED
    answers = [
        await stores.journal.answer(home.space, mine.run_id, _answer(home, decision))
        for decision in (Decision.REJECT, Decision.APPROVE)
    ]
    assert [answer is None for answer in answers] == [False, True]


async def test_answers_that_come_at_once_are_one_answer(stores: Stores, home: Home) -> None:
    mine = await _paused(stores, home)
    events = await asyncio.gather(
        *(stores.journal.answer(home.space, mine.run_id, _answer(home)) for _ in range(4))
    )
    assert sum(event is not None for event in events) == 1
    assert len(await stores.log.read(home.space, mine.run_id, 0, 10)) == 3


async def test_what_was_answered_is_known_also_after_the_end(stores: Stores, home: Home) -> None:
    mine, answer = await _paused(stores, home), _answer(home, Decision.REJECT)
    assert await stores.journal.answered(home.space, mine.run_id, "p-1") is None
    await stores.journal.answer(home.space, mine.run_id, answer)
    again = await stores.runs.claim(home.space, mine.run_id)
    await stores.log.append(home.space, mine.run_id, again.fence, [ENDINGS[0]])
    assert await stores.journal.answered(home.space, mine.run_id, "p-1") == answer
    assert await stores.journal.answered(home.space, mine.run_id, "p-2") is None


async def test_a_paused_run_that_is_to_stop_takes_no_answer(stores: Stores, home: Home) -> None:
    mine = await _paused(stores, home)
    await stores.runs.request_cancel(home.space, mine.run_id)
    assert await stores.journal.answer(home.space, mine.run_id, _answer(home)) is None
    claimed = await stores.runs.claim(home.space, mine.run_id)
    assert claimed.cancel_requested
    await stores.log.append(home.space, mine.run_id, claimed.fence, [ENDINGS[0]])
    ended = await stores.runs.get(home.space, mine.run_id)
    assert (ended.state, ended.pause) == (RunState.ENDED, None)


async def test_a_draft_that_was_not_approved_leaves_its_conversation_and_others_stay(
    stores: Stores, home: Home
) -> None:
    for reason, approval, roles in (
        (TerminationReason.REJECTED, True, [Role.USER]),
        (TerminationReason.EXPIRED, True, [Role.USER]),
        (TerminationReason.CANCELLED, True, [Role.USER]),
        (TerminationReason.COMPLETE, True, [Role.USER, Role.ASSISTANT]),
        (TerminationReason.CANCELLED, False, [Role.USER, Role.ASSISTANT]),
    ):
        thread = conversation(home)
        await stores.conversations.add(thread)
        asked = run(home, conversation_id=thread.conversation_id)
        asked = replace(asked, require_approval=approval)
        mine = await _claimed(stores, home, asked)
        await stores.log.append(home.space, mine.run_id, 1, [Drafted(text="A draft.")])
        await stores.log.append(home.space, mine.run_id, 1, [RunCompleted(reason=reason)])
        page = PageRequest(size=10)
        found = await stores.conversations.messages(home.space, thread.conversation_id, page)
        assert [message.role for message in found.items] == roles


async def test_who_answered_is_a_user_of_their_own(stores: Stores, home: Home) -> None:
    mine, reviewer = await _paused(stores, home), UserId(new_id())
    await stores.journal.answer(home.space, mine.run_id, replace(_answer(home), user_id=reviewer))
    answered = await stores.journal.answered(home.space, mine.run_id, "p-1")
    assert answered is not None
    assert answered.user_id == reviewer


async def test_a_run_that_is_to_stop_does_not_wait_for_a_person(stores: Stores, home: Home) -> None:
    mine = await _claimed(stores, home)
    await stores.runs.request_cancel(home.space, mine.run_id)
    await stores.log.append(home.space, mine.run_id, mine.fence, [PAUSED])
    kept = await stores.runs.get(home.space, mine.run_id)
    assert (kept.state, kept.pause, kept.worker_id) == (RunState.QUEUED, None, None)
    assert kept.cancel_requested


async def test_waiting_for_a_person_spends_no_attempt(stores: Stores, home: Home) -> None:
    mine = await _paused(stores, home)
    await stores.journal.answer(home.space, mine.run_id, _answer(home))
    again = await stores.runs.claim(home.space, mine.run_id)
    assert again.attempts == mine.attempts
