"""What a run is told of its conversation, and what was prepared for it."""

import pytest

from adapters.memory.clock import FixedClock
from adapters.memory.scripted_chat_model import ScriptedChatModel
from application.conversations.prepared import Prepared, PreparedConversations
from domain.agents.chat import ChatMessage, Role
from domain.agents.earlier import Earlier
from domain.conversations.conversation import Conversation, ConversationNotFound
from domain.conversations.turn import Head
from domain.identifiers import ConversationId, RunId, SpaceId
from fixtures.house import House
from fixtures.making import new_home, new_id
from fixtures.recalling import recalling
from fixtures.talking import fold_now, said, thread_in

ANYBODY = RunId(new_id())


def _later() -> RunId:
    return RunId(new_id())


@pytest.fixture
async def thread(house: House) -> Conversation:
    return await thread_in(house)


def _prepared(text: str, head: Head) -> Prepared:
    history = (ChatMessage(role=Role.USER, content=text),)
    return Prepared(head=head, earlier=Earlier(history=history), agent="brand")


async def test_question_and_answer_come_by_turns(house: House, thread: Conversation) -> None:
    await said(house, thread, ("Which fish?", "Herring."), ("And where?", ""))
    told = await recalling(house.stores)(house.home.space, thread.conversation_id, before=_later())
    assert [(m.role, m.content) for m in told.history] == [
        (Role.USER, "Which fish?"),
        (Role.ASSISTANT, "Herring."),
        (Role.USER, "And where?"),
        (Role.ASSISTANT, "(This was not answered.)"),
    ]
    assert told.summary == ""


async def test_what_is_told_fits_the_window_and_is_the_latest(
    house: House, thread: Conversation
) -> None:
    await said(house, thread, *((f"question {n}", "word " * 100) for n in range(12)))
    recall = recalling(house.stores, model=ScriptedChatModel(context_tokens=2000))
    told = await recall(house.home.space, thread.conversation_id, before=_later())
    assert sum(len(m.content.split()) for m in told.history) <= 0.15 * 2000
    assert told.history[-2].content == "question 11"


async def test_the_summary_comes_with_its_mark(house: House, thread: Conversation) -> None:
    await said(house, thread, *((f"Bag {n} costs {n} euros.", "Noted. " * 40) for n in range(30)))
    await fold_now(house, thread)
    told = await recalling(house.stores)(house.home.space, thread.conversation_id, before=_later())
    assert "costs" in told.summary
    assert told.mark
    assert told.mark not in told.summary


async def test_what_was_prepared_is_used_once(house: House, thread: Conversation) -> None:
    (turn,) = await said(house, thread, ("Which fish?", "Herring."))
    prepared = PreparedConversations(FixedClock())
    head = Head(last_message_id=turn.last_message_id, summary_version=0)
    prepared.put(house.home.space, thread.conversation_id, _prepared("read ahead", head))
    recall = recalling(house.stores, prepared=prepared)
    first = await recall(house.home.space, thread.conversation_id, before=_later())
    assert [m.content for m in first.history] == ["read ahead"]
    again = await recall(house.home.space, thread.conversation_id, before=_later())
    assert [m.content for m in again.history] == ["Which fish?", "Herring."]


async def test_what_was_prepared_before_another_turn_is_not_used(
    house: House, thread: Conversation
) -> None:
    (turn,) = await said(house, thread, ("Which fish?", "Herring."))
    prepared = PreparedConversations(FixedClock())
    head = Head(last_message_id=turn.last_message_id, summary_version=0)
    prepared.put(house.home.space, thread.conversation_id, _prepared("out of date", head))
    await said(house, thread, ("And where?", "In Oslo."))
    recall = recalling(house.stores, prepared=prepared)
    told = await recall(house.home.space, thread.conversation_id, before=_later())
    assert [m.content for m in told.history][-1] == "In Oslo."
    assert len(prepared) == 0


async def test_what_was_prepared_in_one_space_is_never_told_in_another(
    house: House, thread: Conversation
) -> None:
    prepared = PreparedConversations(FixedClock())
    nothing_said = Head(last_message_id=None, summary_version=0)
    elsewhere = await new_home(house.stores.tenancy)
    mine = _prepared("a secret of another space", nothing_said)
    prepared.put(elsewhere.space, thread.conversation_id, mine)
    recall = recalling(house.stores, prepared=prepared)
    told = await recall(house.home.space, thread.conversation_id, before=ANYBODY)
    assert told == Earlier()
    assert prepared.peek(elsewhere.space, thread.conversation_id) == mine
    with pytest.raises(ConversationNotFound):
        await recall(elsewhere.space, thread.conversation_id, before=ANYBODY)


async def test_what_was_prepared_of_a_deleted_conversation_is_not_told(
    house: House, thread: Conversation
) -> None:
    prepared = PreparedConversations(FixedClock())
    nothing_said = Head(last_message_id=None, summary_version=0)
    prepared.put(house.home.space, thread.conversation_id, _prepared("gone", nothing_said))
    await house.stores.conversations.delete(house.home.space, thread.conversation_id)
    with pytest.raises(ConversationNotFound):
        await recalling(house.stores, prepared=prepared)(
            house.home.space, thread.conversation_id, before=ANYBODY
        )


NOTHING = _prepared("", Head(last_message_id=None, summary_version=0))


def _space() -> SpaceId:
    return SpaceId(new_id())


def _conversation() -> ConversationId:
    return ConversationId(new_id())


def test_what_is_prepared_is_kept_for_two_minutes() -> None:
    clock = FixedClock()
    prepared, space, one = PreparedConversations(clock), _space(), _conversation()
    prepared.put(space, one, NOTHING)
    clock.advance(119)
    assert prepared.peek(space, one) == NOTHING
    clock.advance(2)
    assert prepared.peek(space, one) is None
    assert prepared.take(space, one) is None
    assert len(prepared) == 0


def test_what_is_prepared_is_bounded_and_the_oldest_goes_first() -> None:
    prepared = PreparedConversations(FixedClock(), most=3)
    keys = [(_space(), _conversation()) for _ in range(4)]
    for key in keys:
        prepared.put(*key, NOTHING)
    assert [prepared.peek(*key) is not None for key in keys] == [False, True, True, True]


def test_one_space_cannot_crowd_out_another() -> None:
    prepared = PreparedConversations(FixedClock(), most=10, most_a_space=2)
    quiet, noisy, kept = _space(), _space(), _conversation()
    prepared.put(quiet, kept, NOTHING)
    for _ in range(50):
        prepared.put(noisy, _conversation(), NOTHING)
    assert prepared.peek(quiet, kept) == NOTHING
    assert len(prepared) == 3
