"""The contract of `EventLog`, on every adapter."""

import asyncio
from typing import get_args

import pytest

from domain.agents.chat import Role
from domain.identifiers import RunId
from domain.paging import PageRequest
from domain.runs.event import Drafted, EventKind, RunCompleted, RunEvent, TokenBatch
from domain.runs.run import FenceLost, Run, RunState, TerminationReason
from fixtures.events import one_of_each
from fixtures.making import Home, conversation, new_id, run
from fixtures.stores import Stores

ALL = 10_000
COMPLETED = RunCompleted(reason=TerminationReason.COMPLETE)


async def _claimed(stores: Stores, home: Home) -> Run:
    made = run(home)
    await stores.runs.create(made, None)
    return await stores.runs.claim(home.space, made.run_id)


def _tokens(*texts: str) -> list[EventKind]:
    return [TokenBatch(text=text) for text in texts]


async def test_events_are_numbered_from_2_because_the_run_was_queued_as_1(
    stores: Stores, home: Home
) -> None:
    mine = await _claimed(stores, home)
    first = await stores.log.append(home.space, mine.run_id, 1, _tokens("a", "b"))
    second = await stores.log.append(home.space, mine.run_id, 1, _tokens("c"))
    assert [event.sequence for event in (*first, *second)] == [2, 3, 4]
    assert [event.kind for event in (*first, *second)] == _tokens("a", "b", "c")
    assert (await stores.runs.get(home.space, mine.run_id)).last_sequence == 4


async def test_what_was_appended_is_what_is_read(stores: Stores, home: Home) -> None:
    mine = await _claimed(stores, home)
    appended = await stores.log.append(home.space, mine.run_id, 1, _tokens("a", "b"))
    assert await stores.log.read(home.space, mine.run_id, 1, ALL) == appended


async def test_every_kind_of_event_comes_back_as_it_was(stores: Stores, home: Home) -> None:
    kinds = one_of_each()
    assert {type(kind) for kind in kinds} == set(get_args(EventKind))
    mine = await _claimed(stores, home)
    appended = await stores.log.append(home.space, mine.run_id, 1, kinds)
    kept = await stores.log.read(home.space, mine.run_id, 1, ALL)
    assert kept == appended
    assert tuple(event.kind for event in kept) == kinds
    assert all(event.create_time.utcoffset() is not None for event in kept)


async def test_appending_nothing_changes_nothing(stores: Stores, home: Home) -> None:
    mine = await _claimed(stores, home)
    assert await stores.log.append(home.space, mine.run_id, 1, []) == ()
    assert await stores.runs.get(home.space, mine.run_id) == mine


async def test_reading_goes_on_after_a_cursor_and_stops_at_a_limit(
    stores: Stores, home: Home
) -> None:
    mine = await _claimed(stores, home)
    await stores.log.append(home.space, mine.run_id, 1, _tokens(*"abcdefghijk"))
    seen: list[RunEvent] = []
    while batch := await stores.log.read(
        home.space, mine.run_id, seen[-1].sequence if seen else 0, 5
    ):
        assert len(batch) <= 5
        seen.extend(batch)
    assert [event.sequence for event in seen] == list(range(1, 13))


async def test_reading_beyond_the_end_gives_nothing(stores: Stores, home: Home) -> None:
    mine = await _claimed(stores, home)
    assert await stores.log.read(home.space, mine.run_id, 1, ALL) == ()
    assert await stores.log.read(home.space, mine.run_id, 2**40, ALL) == ()
    assert await stores.log.read(home.space, RunId(new_id()), 0, ALL) == ()


async def test_sequences_have_no_gap_when_many_runs_are_written_at_once(
    stores: Stores, home: Home
) -> None:
    runs = [await _claimed(stores, home) for _ in range(6)]

    async def write(mine: Run, writer: int) -> None:
        for n in range(4):
            texts = [f"{writer}.{n}.{part}" for part in range(1 + n)]
            await stores.log.append(home.space, mine.run_id, 1, _tokens(*texts))

    await asyncio.gather(*(write(mine, writer) for mine in runs for writer in range(3)))
    for mine in runs:
        kept = await stores.log.read(home.space, mine.run_id, 0, ALL)
        assert [event.sequence for event in kept] == list(range(1, 2 + 3 * 10))
        texts = [event.kind.text for event in kept if isinstance(event.kind, TokenBatch)]
        for writer in range(3):
            own = [text for text in texts if text.startswith(f"{writer}.")]
            assert own == [f"{writer}.{n}.{part}" for n in range(4) for part in range(1 + n)]


async def test_many_runs_of_many_spaces_that_append_at_once_each_get_their_own(
    stores: Stores, home: Home, away: Home
) -> None:
    runs = [await _claimed(stores, (home, away)[n % 2]) for n in range(12)]
    for n in range(2):
        appended = await asyncio.gather(
            *(
                stores.log.append(mine.space_id, mine.run_id, 1, _tokens(str(place), "x"))
                for place, mine in enumerate(runs)
            )
        )
        for place, events in enumerate(appended):
            assert [event.sequence for event in events] == [2 + 2 * n, 3 + 2 * n]
            assert [event.kind for event in events] == _tokens(str(place), "x")
    for mine in runs:
        kept = await stores.log.read(mine.space_id, mine.run_id, 0, ALL)
        assert [event.sequence for event in kept] == [1, 2, 3, 4, 5]


async def test_a_fence_that_was_lost_takes_nothing_from_runs_that_append_beside_it(
    stores: Stores, home: Home, away: Home
) -> None:
    runs = [await _claimed(stores, (home, away)[n % 2]) for n in range(6)]
    await stores.runs.claim(runs[3].space_id, runs[3].run_id)
    outcomes = await asyncio.gather(
        *(stores.log.append(mine.space_id, mine.run_id, 1, _tokens("a")) for mine in runs),
        return_exceptions=True,
    )
    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, FenceLost)] == [3]
    lengths = [len(await stores.log.read(m.space_id, m.run_id, 0, ALL)) for m in runs]
    assert lengths == [2, 2, 2, 1, 2, 2]


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 40])
async def test_an_append_that_is_cancelled_is_kept_whole_or_not_at_all_and_that_is_settled(
    stores: Stores, home: Home, turns: int
) -> None:
    runs = [await _claimed(stores, home) for _ in range(6)]
    tasks = [
        asyncio.ensure_future(stores.log.append(home.space, mine.run_id, 1, _tokens("a", "b")))
        for mine in runs
    ]
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in tasks[:2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    before = [len(await stores.log.read(home.space, mine.run_id, 0, ALL)) for mine in runs]
    assert set(before[:2]) <= {1, 3}
    assert before[2:] == [3] * 4
    for mine, length in zip(runs, before, strict=True):
        more = await stores.log.append(home.space, mine.run_id, 1, _tokens("c"))
        assert [event.sequence for event in more] == [length + 1]


async def test_a_reader_never_sees_a_later_event_before_an_earlier_one(
    stores: Stores, home: Home
) -> None:
    mine = await _claimed(stores, home)
    seen: list[int] = []

    async def follow() -> None:
        while not seen or seen[-1] < 25:
            after = seen[-1] if seen else 0
            batch = await stores.log.read(home.space, mine.run_id, after, ALL)
            seen.extend(event.sequence for event in batch)
            await asyncio.sleep(0)

    async def write() -> None:
        for n in range(4):
            await stores.log.append(home.space, mine.run_id, 1, _tokens(str(n)))

    await asyncio.gather(follow(), *(write() for _ in range(6)))
    assert seen == list(range(1, 26))


async def test_an_old_fence_keeps_nothing(stores: Stores, home: Home) -> None:
    mine = await _claimed(stores, home)
    await stores.log.append(home.space, mine.run_id, 1, _tokens("mine"))
    taken_over = await stores.runs.claim(home.space, mine.run_id)
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, mine.run_id, 1, [*_tokens("late"), COMPLETED])
    assert await stores.runs.get(home.space, mine.run_id) == taken_over
    after = await stores.log.append(home.space, mine.run_id, 2, _tokens("theirs"))
    assert [event.sequence for event in after] == [3]


async def test_a_fence_that_was_never_given_keeps_nothing(stores: Stores, home: Home) -> None:
    mine = await _claimed(stores, home)
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, mine.run_id, 2, _tokens("early"))
    assert await stores.runs.get(home.space, mine.run_id) == mine


async def test_a_run_that_nobody_claimed_has_no_writer(stores: Stores, home: Home) -> None:
    made = run(home)
    await stores.runs.create(made, None)
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, made.run_id, 0, _tokens("early"))
    assert len(await stores.log.read(home.space, made.run_id, 0, ALL)) == 1


@pytest.mark.parametrize("reason", TerminationReason, ids=lambda reason: reason.value)
async def test_completion_ends_the_run_with_its_reason(
    stores: Stores, home: Home, reason: TerminationReason
) -> None:
    mine = await _claimed(stores, home)
    done = [*_tokens("a"), RunCompleted(reason=reason, detail="why")]
    events = await stores.log.append(home.space, mine.run_id, 1, done)
    ended = await stores.runs.get(home.space, mine.run_id)
    assert (ended.state, ended.termination_reason) == (RunState.ENDED, reason)
    assert (ended.last_sequence, ended.end_time) == (3, events[-1].create_time)
    assert events[-1].is_last


async def test_an_ended_run_takes_no_more_events(stores: Stores, home: Home) -> None:
    mine = await _claimed(stores, home)
    await stores.log.append(home.space, mine.run_id, 1, [COMPLETED])
    ended = await stores.runs.get(home.space, mine.run_id)
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, mine.run_id, 1, _tokens("late"))
    assert await stores.runs.get(home.space, mine.run_id) == ended
    assert len(await stores.log.read(home.space, mine.run_id, 0, ALL)) == 2


async def test_a_run_ends_once_when_two_endings_race(stores: Stores, home: Home) -> None:
    mine = await _claimed(stores, home)
    answers = await asyncio.gather(
        *(stores.log.append(home.space, mine.run_id, 1, [COMPLETED]) for _ in range(6)),
        return_exceptions=True,
    )
    assert [isinstance(answer, FenceLost) for answer in answers].count(True) == 5
    assert len(await stores.log.read(home.space, mine.run_id, 0, ALL)) == 2


async def test_a_draft_becomes_the_answer_of_the_conversation(stores: Stores, home: Home) -> None:
    thread = conversation(home)
    await stores.conversations.add(thread)
    asked = run(home, conversation_id=thread.conversation_id)
    await stores.runs.create(asked, None)
    await stores.runs.claim(home.space, asked.run_id)
    drafted = Drafted(text="Boats.", cited_sources=(1,))
    await stores.log.append(home.space, asked.run_id, 1, [*_tokens("Boats."), drafted])
    page = await stores.conversations.messages(home.space, thread.conversation_id, PageRequest())
    said = [(message.role, message.content, message.run_id) for message in page.items]
    assert said == [
        (Role.USER, "What do we sell?", asked.run_id),
        (Role.ASSISTANT, "Boats.", asked.run_id),
    ]


async def test_a_draft_under_an_old_fence_is_no_answer(stores: Stores, home: Home) -> None:
    thread = conversation(home)
    await stores.conversations.add(thread)
    asked = run(home, conversation_id=thread.conversation_id)
    await stores.runs.create(asked, None)
    for _ in range(2):
        await stores.runs.claim(home.space, asked.run_id)
    with pytest.raises(FenceLost):
        await stores.log.append(home.space, asked.run_id, 1, [Drafted(text="late")])
    page = await stores.conversations.messages(home.space, thread.conversation_id, PageRequest())
    assert len(page.items) == 1


async def test_another_space_can_neither_read_nor_write_the_run(
    stores: Stores, home: Home, away: Home
) -> None:
    mine = await _claimed(stores, home)
    refusals = set()
    for one in (mine.run_id, RunId(new_id())):
        assert await stores.log.read(away.space, one, 0, ALL) == ()
        with pytest.raises(FenceLost) as refusal:
            await stores.log.append(away.space, one, 1, [COMPLETED])
        refusals.add(str(refusal.value))
    assert len(refusals) == 1
    assert await stores.runs.get(home.space, mine.run_id) == mine
