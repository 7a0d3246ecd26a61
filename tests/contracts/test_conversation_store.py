"""The contract of `ConversationStore`, on every adapter."""

from dataclasses import replace

import pytest

from domain.agents.chat import Role
from domain.conversations.conversation import Conversation, ConversationNotFound, Message
from domain.identifiers import ConversationId
from domain.paging import PageRequest
from domain.runs.event import Drafted, EventKind, RunCompleted
from domain.runs.run import RunNotFound, RunState, TerminationReason
from fixtures.events import HARD_TEXT
from fixtures.making import Home, conversation, new_id, run
from fixtures.stores import Stores


async def _added(stores: Stores, home: Home, title: str = "Launch") -> Conversation:
    made = conversation(home, title)
    await stores.conversations.add(made)
    return made


async def _turn(stores: Stores, home: Home, thread: Conversation, text: str) -> None:
    """A question and its answer, which is the question in capitals."""
    asked = run(home, text, conversation_id=thread.conversation_id)
    await stores.runs.create(asked, None)
    claimed = await stores.runs.claim(home.space, asked.run_id)
    kinds: list[EventKind] = [
        Drafted(text=text.upper()),
        RunCompleted(reason=TerminationReason.COMPLETE),
    ]
    await stores.log.append(home.space, asked.run_id, claimed.fence, kinds)


async def _all(stores: Stores, home: Home, thread: Conversation) -> tuple[Message, ...]:
    page = await stores.conversations.messages(home.space, thread.conversation_id, PageRequest())
    return page.items


async def test_a_new_conversation_is_empty(stores: Stores, home: Home) -> None:
    made = await _added(stores, home, 'It\'s "new" 数')
    assert (await stores.conversations.list(home.space, PageRequest())).items == (made,)
    assert await _all(stores, home, made) == ()
    assert await stores.conversations.get(home.space, made.conversation_id) == made


async def test_conversations_come_newest_first_page_by_page(stores: Stores, home: Home) -> None:
    made = [await _added(stores, home, str(n)) for n in range(5)]
    first = await stores.conversations.list(home.space, PageRequest(size=3))
    assert first.items == (made[4], made[3], made[2])
    rest = await stores.conversations.list(home.space, PageRequest(size=3, after=first.next_after))
    assert rest.items == (made[1], made[0])
    assert rest.next_after is None


async def test_a_full_last_page_knows_that_it_is_the_last(stores: Stores, home: Home) -> None:
    for n in range(3):
        await _added(stores, home, str(n))
    page = await stores.conversations.list(home.space, PageRequest(size=3))
    assert (len(page.items), page.next_after) == (3, None)


async def test_a_list_shows_its_own_space_alone(stores: Stores, home: Home, away: Home) -> None:
    made = await _added(stores, home)
    await _added(stores, away)
    assert (await stores.conversations.list(home.space, PageRequest())).items == (made,)


async def test_questions_and_answers_become_messages_in_order(stores: Stores, home: Home) -> None:
    thread = await _added(stores, home)
    await _turn(stores, home, thread, "one")
    await _turn(stores, home, thread, "two")
    kept = await _all(stores, home, thread)
    assert [(m.role, m.content) for m in kept] == [
        (Role.USER, "one"),
        (Role.ASSISTANT, "ONE"),
        (Role.USER, "two"),
        (Role.ASSISTANT, "TWO"),
    ]
    assert kept[0].run_id == kept[1].run_id != kept[2].run_id
    assert {m.conversation_id for m in kept} == {thread.conversation_id}
    assert len({m.message_id for m in kept}) == 4


async def test_an_answer_with_odd_characters_is_kept(stores: Stores, home: Home) -> None:
    thread = await _added(stores, home)
    asked = run(home, conversation_id=thread.conversation_id)
    await stores.runs.create(asked, None)
    await stores.runs.claim(home.space, asked.run_id)
    await stores.log.append(home.space, asked.run_id, 1, [Drafted(text=HARD_TEXT)])
    answer = (await _all(stores, home, thread))[1]
    assert answer.content.replace("\x00", "") == HARD_TEXT.replace("\x00", "")


async def test_messages_come_oldest_first_page_by_page(stores: Stores, home: Home) -> None:
    thread = await _added(stores, home)
    for text in ("one", "two", "three"):
        await _turn(stores, home, thread, text)
    everything = await _all(stores, home, thread)
    seen: list[Message] = []
    after = None
    while True:
        page = await stores.conversations.messages(
            home.space, thread.conversation_id, PageRequest(size=4, after=after)
        )
        seen.extend(page.items)
        after = page.next_after
        if after is None:
            break
    assert tuple(seen) == everything
    assert len(seen) == 6


async def test_a_conversation_is_renamed(stores: Stores, home: Home) -> None:
    thread, other = await _added(stores, home), await _added(stores, home)
    renamed = await stores.conversations.rename(home.space, thread.conversation_id, "Spring 数")
    assert renamed == replace(thread, title="Spring 数")
    assert await stores.conversations.get(home.space, thread.conversation_id) == renamed
    assert await stores.conversations.get(home.space, other.conversation_id) == other


async def test_one_conversation_does_not_hear_another(stores: Stores, home: Home) -> None:
    ours, other = await _added(stores, home), await _added(stores, home)
    await _turn(stores, home, other, "elsewhere")
    assert await _all(stores, home, ours) == ()


async def test_another_space_answers_as_if_it_did_not_exist(
    stores: Stores, home: Home, away: Home
) -> None:
    thread = await _added(stores, home)
    await _turn(stores, home, thread, "ours")
    answers = set()
    for one in (thread.conversation_id, ConversationId(new_id())):
        for attempt in (
            stores.conversations.messages(away.space, one, PageRequest()),
            stores.conversations.get(away.space, one),
            stores.conversations.rename(away.space, one, "ours now"),
            stores.conversations.delete(away.space, one),
            stores.runs.create(run(away, conversation_id=one), None),
        ):
            with pytest.raises(ConversationNotFound) as refusal:
                await attempt
            answers.add(str(refusal.value))
    assert answers == {str(ConversationNotFound())}
    assert len(await _all(stores, home, thread)) == 2
    assert await stores.conversations.get(home.space, thread.conversation_id) == thread


async def test_a_deleted_conversation_leaves_its_runs_detached(stores: Stores, home: Home) -> None:
    thread, other = await _added(stores, home), await _added(stores, home)
    await _turn(stores, home, other, "stays")
    asked = run(home, conversation_id=thread.conversation_id)
    await stores.runs.create(asked, None)
    await stores.conversations.delete(home.space, thread.conversation_id)
    for attempt in (
        stores.conversations.messages(home.space, thread.conversation_id, PageRequest()),
        stores.conversations.get(home.space, thread.conversation_id),
        stores.conversations.delete(home.space, thread.conversation_id),
    ):
        with pytest.raises(ConversationNotFound):
            await attempt
    assert (await stores.runs.get(home.space, asked.run_id)).question.conversation_id is None
    assert len(await _all(stores, home, other)) == 2


async def test_a_run_whose_conversation_went_away_still_ends(stores: Stores, home: Home) -> None:
    thread = await _added(stores, home)
    asked = run(home, conversation_id=thread.conversation_id)
    await stores.runs.create(asked, None)
    await stores.runs.claim(home.space, asked.run_id)
    await stores.conversations.delete(home.space, thread.conversation_id)
    kinds: list[EventKind] = [Drafted(text="late"), RunCompleted(reason=TerminationReason.COMPLETE)]
    await stores.log.append(home.space, asked.run_id, 1, kinds)
    assert (await stores.runs.get(home.space, asked.run_id)).state is RunState.ENDED


async def test_a_question_that_was_refused_leaves_no_message(
    stores: Stores, home: Home, away: Home
) -> None:
    thread = await _added(stores, home)
    asked = run(away, conversation_id=thread.conversation_id)
    with pytest.raises(ConversationNotFound):
        await stores.runs.create(asked, "request")
    assert await _all(stores, home, thread) == ()
    with pytest.raises(RunNotFound):
        await stores.runs.get(away.space, asked.run_id)
    assert (await stores.runs.create(run(away), "request")).created
