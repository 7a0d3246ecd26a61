"""The contract of `ConversationMemory`, on every adapter."""

import asyncio
from dataclasses import replace

import pytest

from domain.conversations.conversation import Conversation, ConversationNotFound
from domain.conversations.summary import EXTRACTED, Summary
from domain.conversations.turn import Head, Recollection, Turn
from domain.identifiers import ConversationId, MessageId, RunId, WorkerId
from domain.runs.event import Drafted, EventKind, RunCompleted, RunPaused
from domain.runs.run import CancelReason, Run, TerminationReason
from fixtures.making import Home, conversation, new_id, run
from fixtures.stores import Stores

COMPLETE = RunCompleted(reason=TerminationReason.COMPLETE)
NOBODY = ConversationId(new_id())


async def _thread(stores: Stores, home: Home) -> Conversation:
    made = conversation(home)
    await stores.conversations.add(made)
    return made


async def _asked(stores: Stores, home: Home, thread: Conversation, text: str) -> Run:
    asked = run(home, text, conversation_id=thread.conversation_id)
    await stores.runs.create(asked, None)
    return asked


async def _answer(stores: Stores, home: Home, asked: Run) -> None:
    claimed = await stores.runs.claim(home.space, asked.run_id)
    kinds: list[EventKind] = [
        Drafted(text=asked.question.text.upper()),
        COMPLETE,
    ]
    await stores.log.append(home.space, asked.run_id, claimed.fence, kinds)


async def _turns(stores: Stores, home: Home, thread: Conversation, *texts: str) -> list[Run]:
    """A question each, and its answer, which is the question in capitals."""
    runs = []
    for text in texts:
        runs.append(await _asked(stores, home, thread, text))
        await _answer(stores, home, runs[-1])
    return runs


async def _recalled(
    stores: Stores, home: Home, thread: Conversation, before: RunId | None = None, limit: int = 9
) -> Recollection:
    return await stores.memory.recall(
        home.space, thread.conversation_id, before=before, limit=limit
    )


def _said(turns: tuple[Turn, ...]) -> list[tuple[str, str]]:
    return [(turn.question, turn.answer) for turn in turns]


def _summary(turn: Turn, version: int = 1, text: str = "We spoke of fish.") -> Summary:
    return Summary(
        text=text,
        mark="0123456789abcdef",
        author=EXTRACTED,
        version=version,
        last_run_id=turn.run_id,
        last_message_id=turn.last_message_id,
    )


async def test_nothing_is_recalled_of_an_empty_conversation(stores: Stores, home: Home) -> None:
    thread = await _thread(stores, home)
    assert await _recalled(stores, home, thread) == Recollection(summary=None, turns=())
    head = await stores.memory.head(home.space, thread.conversation_id, before=None)
    assert head == Head(last_message_id=None, summary_version=0)
    assert await stores.memory.unfolded(home.space, thread.conversation_id, 9) == (None, ())


async def test_the_last_turns_are_recalled_oldest_first(stores: Stores, home: Home) -> None:
    thread = await _thread(stores, home)
    await _turns(stores, home, thread, "one", "two", "three")
    found = await _recalled(stores, home, thread, limit=2)
    assert _said(found.turns) == [("two", "TWO"), ("three", "THREE")]
    assert _said((await _recalled(stores, home, thread)).turns)[0] == ("one", "ONE")


async def test_a_run_is_told_of_earlier_runs_alone(stores: Stores, home: Home) -> None:
    thread = await _thread(stores, home)
    first = await _asked(stores, home, thread, "one")
    second = await _asked(stores, home, thread, "two")
    await _answer(stores, home, first)
    assert (await _recalled(stores, home, thread, first.run_id)).turns == ()
    told = (await _recalled(stores, home, thread, second.run_id)).turns
    assert _said(told) == [("one", "ONE")]
    everything = (await _recalled(stores, home, thread)).turns
    assert _said(everything) == [("one", "ONE"), ("two", "")]


async def test_a_draft_that_nobody_has_approved_yet_is_no_answer(
    stores: Stores, home: Home
) -> None:
    thread = await _thread(stores, home)
    first = await _asked(stores, home, thread, "one")
    second = await _asked(stores, home, thread, "two")

    async def told() -> tuple[Head, list[tuple[str, str]]]:
        head = await stores.memory.head(home.space, thread.conversation_id, before=second.run_id)
        found = await _recalled(stores, home, thread, second.run_id)
        assert found.head == head
        return head, _said(found.turns)

    claimed = await stores.runs.claim(home.space, first.run_id)
    paused: list[EventKind] = [
        Drafted(text="ONE"),
        RunPaused(pause_id="p-1", prompt="Approve this?"),
    ]
    await stores.log.append(home.space, first.run_id, claimed.fence, paused)
    # It keeps the second one waiting no more, and may end after that has begun.
    await stores.runs.request_cancel(home.space, first.run_id, CancelReason.EXPIRED)
    waiting, turns = await told()
    assert turns == [("one", "")]
    again = await stores.runs.claim(home.space, first.run_id)
    await stores.log.append(home.space, first.run_id, again.fence, [COMPLETE])
    approved, turns = await told()
    assert turns == [("one", "ONE")]
    assert approved != waiting


async def test_an_answer_is_recalled_also_if_it_came_from_a_server_whose_clock_is_ahead(
    stores: Stores, home: Home
) -> None:
    thread, behind = await _thread(stores, home), RunId(new_id())
    (ahead,) = await _turns(stores, home, thread, "one")
    asked = replace(run(home, "two", conversation_id=thread.conversation_id), run_id=behind)
    assert asked.run_id < ahead.run_id
    await stores.runs.create(asked, None)
    await _asked(stores, home, thread, "three")
    told = await _recalled(stores, home, thread, asked.run_id)
    assert _said(told.turns) == [("one", "ONE")]
    head = await stores.memory.head(home.space, thread.conversation_id, before=asked.run_id)
    assert head == told.head


async def _against_the_clock(stores: Stores, home: Home, thread: Conversation) -> list[Run]:
    """Three runs, each of a server whose clock is behind that of the one before."""
    ids = sorted((RunId(new_id()) for _ in range(3)), reverse=True)
    runs = []
    for text, run_id in zip(("one", "two", "three"), ids, strict=True):
        runs.append(replace(run(home, text, conversation_id=thread.conversation_id), run_id=run_id))
        await stores.runs.create(runs[-1], None)
    return runs


async def test_turns_stand_in_the_order_in_which_they_were_accepted_whatever_the_clocks(
    stores: Stores, home: Home
) -> None:
    thread = await _thread(stores, home)
    runs = await _against_the_clock(stores, home, thread)
    for asked in runs:
        await _answer(stores, home, asked)
    said = [("one", "ONE"), ("two", "TWO"), ("three", "THREE")]
    assert _said((await _recalled(stores, home, thread)).turns) == said
    assert _said((await _recalled(stores, home, thread, limit=2)).turns) == said[1:]
    assert _said((await _recalled(stores, home, thread, runs[1].run_id)).turns) == said[:1]
    _, turns = await stores.memory.unfolded(home.space, thread.conversation_id, 9)
    assert await stores.memory.keep_summary(home.space, thread.conversation_id, _summary(turns[1]))
    assert _said((await _recalled(stores, home, thread)).turns) == said[2:]
    kept = await stores.memory.keep_summary(
        home.space, thread.conversation_id, _summary(turns[2], 2)
    )
    assert kept, "a later turn is further, though its run's id is smaller"


async def test_questions_of_a_conversation_are_taken_up_in_that_order(
    stores: Stores, home: Home
) -> None:
    runs = await _against_the_clock(stores, home, await _thread(stores, home))
    for asked in runs:
        (claimed,) = await stores.workers.claim_runs(WorkerId(new_id()), 9, running_limit=9)
        assert claimed.run_id == asked.run_id
        done = RunCompleted(reason=TerminationReason.COMPLETE)
        await stores.log.append(home.space, asked.run_id, claimed.fence, [done])


async def test_a_head_is_that_of_what_would_be_recalled(stores: Stores, home: Home) -> None:
    thread = await _thread(stores, home)
    runs = await _turns(stores, home, thread, "one", "two", "three")
    before: list[RunId | None] = [None, *(each.run_id for each in runs)]
    for folded in range(3):
        for each in before:
            head = await stores.memory.head(home.space, thread.conversation_id, before=each)
            assert head == (await _recalled(stores, home, thread, each)).head
        _, (oldest, *_) = await stores.memory.unfolded(home.space, thread.conversation_id, 9)
        kept = _summary(oldest, folded + 1)
        assert await stores.memory.keep_summary(home.space, thread.conversation_id, kept)


async def test_a_head_changes_with_every_answer_and_every_summary(
    stores: Stores, home: Home
) -> None:
    thread = await _thread(stores, home)

    async def head() -> Head:
        return await stores.memory.head(home.space, thread.conversation_id, before=None)

    heads = [await head()]
    asked = await _asked(stores, home, thread, "one")
    heads.append(await head())
    await _answer(stores, home, asked)
    heads.append(await head())
    turns = (await _recalled(stores, home, thread)).turns
    await stores.memory.keep_summary(home.space, thread.conversation_id, _summary(turns[0]))
    heads.append(await head())
    assert len(set(heads)) == 4


async def test_what_a_summary_covers_is_not_recalled_again(stores: Stores, home: Home) -> None:
    thread = await _thread(stores, home)
    await _turns(stores, home, thread, "one", "two", "three")
    _, turns = await stores.memory.unfolded(home.space, thread.conversation_id, 9)
    kept = _summary(turns[1], text='It\'s "fish" 数 \n between two lines')
    assert await stores.memory.keep_summary(home.space, thread.conversation_id, kept)
    found = await _recalled(stores, home, thread)
    assert (found.summary, _said(found.turns)) == (kept, [("three", "THREE")])
    summary, left = await stores.memory.unfolded(home.space, thread.conversation_id, 9)
    assert (summary, _said(left)) == (kept, [("three", "THREE")])


async def test_the_first_turns_are_to_be_folded_first(stores: Stores, home: Home) -> None:
    thread = await _thread(stores, home)
    await _turns(stores, home, thread, "one", "two")
    await _asked(stores, home, thread, "three")
    _, turns = await stores.memory.unfolded(home.space, thread.conversation_id, 9)
    assert [(turn.question, turn.ended) for turn in turns] == [
        ("one", True),
        ("two", True),
        ("three", False),
    ]
    _, first = await stores.memory.unfolded(home.space, thread.conversation_id, 1)
    assert _said(first) == [("one", "ONE")]


async def test_a_summary_replaces_the_version_before_it_and_no_other(
    stores: Stores, home: Home
) -> None:
    thread = await _thread(stores, home)
    await _turns(stores, home, thread, "one", "two", "three")
    keep = stores.memory.keep_summary
    _, (one, two, three) = await stores.memory.unfolded(home.space, thread.conversation_id, 9)
    assert not await keep(home.space, thread.conversation_id, _summary(one, 2))
    assert await keep(home.space, thread.conversation_id, _summary(two, 1))
    for stale in (_summary(three, 1), _summary(three, 3), _summary(one, 2), _summary(two, 2)):
        assert not await keep(home.space, thread.conversation_id, stale)
    assert (await _recalled(stores, home, thread)).summary == _summary(two, 1)
    assert await keep(home.space, thread.conversation_id, _summary(three, 2, "newer"))
    assert (await _recalled(stores, home, thread)).summary == _summary(three, 2, "newer")


async def test_of_two_that_fold_at_once_one_is_kept(stores: Stores, home: Home) -> None:
    thread = await _thread(stores, home)
    await _turns(stores, home, thread, "one", "two")
    _, turns = await stores.memory.unfolded(home.space, thread.conversation_id, 9)
    for version, turn in enumerate(turns, start=1):
        made = [replace(_summary(turn, version), text=f"by {n}") for n in range(5)]
        kept = await asyncio.gather(
            *(stores.memory.keep_summary(home.space, thread.conversation_id, s) for s in made)
        )
        assert sorted(kept) == [False, False, False, False, True]
        found = (await _recalled(stores, home, thread)).summary
        assert found == made[kept.index(True)]


async def test_no_conversation_remembers_another(stores: Stores, home: Home) -> None:
    thread, other = await _thread(stores, home), await _thread(stores, home)
    await _turns(stores, home, other, "elsewhere")
    _, (turn,) = await stores.memory.unfolded(home.space, other.conversation_id, 9)
    await stores.memory.keep_summary(home.space, other.conversation_id, _summary(turn))
    assert await _recalled(stores, home, thread) == Recollection(summary=None, turns=())


async def test_another_space_answers_as_if_it_did_not_exist(
    stores: Stores, home: Home, away: Home
) -> None:
    thread = await _thread(stores, home)
    await _turns(stores, home, thread, "ours")
    _, (turn,) = await stores.memory.unfolded(home.space, thread.conversation_id, 9)
    for one in (thread.conversation_id, NOBODY):
        for attempt in (
            stores.memory.recall(away.space, one, before=None, limit=9),
            stores.memory.head(away.space, one, before=None),
            stores.memory.unfolded(away.space, one, 9),
            stores.memory.keep_summary(away.space, one, _summary(turn)),
            stores.memory.keep_summary(away.space, one, _summary(turn, 2)),
        ):
            with pytest.raises(ConversationNotFound):
                await attempt
    assert (await _recalled(stores, home, thread)).summary is None


async def test_a_deleted_conversation_is_not_remembered(stores: Stores, home: Home) -> None:
    thread = await _thread(stores, home)
    await _turns(stores, home, thread, "one")
    _, (turn,) = await stores.memory.unfolded(home.space, thread.conversation_id, 9)
    await stores.memory.keep_summary(home.space, thread.conversation_id, _summary(turn))
    await stores.conversations.delete(home.space, thread.conversation_id)
    later = replace(
        _summary(turn, 2), last_run_id=RunId(new_id()), last_message_id=MessageId(new_id())
    )
    for attempt in (
        stores.memory.recall(home.space, thread.conversation_id, before=None, limit=9),
        stores.memory.keep_summary(home.space, thread.conversation_id, later),
    ):
        with pytest.raises(ConversationNotFound):
            await attempt
