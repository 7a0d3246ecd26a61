"""What no longer fits a conversation's window goes into its summary, in the background."""

import asyncio

import pytest

from adapters.memory.scripted_chat_model import ScriptedChatModel
from application.conversations.folding import Folding, ThenFold
from domain.agents.chat import FinishReason
from domain.conversations.conversation import Conversation
from domain.conversations.summary import EXTRACTED, Summary
from domain.conversations.window import cost_of, window_policy
from domain.errors import Unavailable
from domain.identifiers import ConversationId, SpaceId
from domain.runs.run import Run
from fixtures.house import House
from fixtures.making import new_id
from fixtures.making import run as a_run
from fixtures.talking import fold_now, folds, said, thread_in

FACT = ("The Alder is launched on 14 May for 129 euros.", "Noted.")
CHAT = ("And a little warmer?", "Here it is, a little warmer. " * 12)


@pytest.fixture
async def thread(house: House) -> Conversation:
    return await thread_in(house)


async def _summary(house: House, thread: Conversation) -> Summary | None:
    found, _ = await house.stores.memory.unfolded(house.home.space, thread.conversation_id, 1)
    return found


async def test_a_short_conversation_has_no_summary(house: House, thread: Conversation) -> None:
    await said(house, thread, FACT, CHAT)
    assert await fold_now(house, thread) == 0
    assert await _summary(house, thread) is None


async def test_a_summary_covers_what_left_the_window_to_its_last_message(
    house: House, thread: Conversation
) -> None:
    turns = await said(house, thread, FACT, *[CHAT] * 6)
    folded = await fold_now(house, thread)
    kept = await _summary(house, thread)
    assert kept is not None
    assert 0 < folded < len(turns)
    assert (kept.last_message_id, kept.version) == (turns[folded - 1].last_message_id, 1)
    assert FACT[0] in kept.text
    assert kept.author == EXTRACTED
    assert await fold_now(house, thread) == 0


async def test_turn_500_is_told_no_more_than_turn_50_and_still_knows_turn_1(
    house: House, thread: Conversation
) -> None:
    await said(house, thread, FACT)
    policy = window_policy(2000)
    for _ in range(500):
        await said(house, thread, CHAT)
        await fold_now(house, thread)
        _, left = await house.stores.memory.unfolded(house.home.space, thread.conversation_id, 99)
        told = sum(cost_of(turn, lambda text: len(text.split())) for turn in left)
        assert told <= policy.recent_tokens
    kept = await _summary(house, thread)
    assert kept is not None
    assert FACT[0] in kept.text
    assert len(kept.text.split()) <= policy.summary_tokens


async def test_a_long_conversation_that_was_never_folded_is_caught_up_with(
    house: House, thread: Conversation
) -> None:
    await said(house, thread, *[CHAT] * 200)
    while await fold_now(house, thread):
        pass
    _, left = await house.stores.memory.unfolded(house.home.space, thread.conversation_id, 999)
    assert len(left) < 6


async def test_two_that_fold_at_once_lose_nothing(house: House, thread: Conversation) -> None:
    turns = await said(house, thread, *[CHAT] * 12)
    counts = await asyncio.gather(*(fold_now(house, thread) for _ in range(4)))
    _, left = await house.stores.memory.unfolded(house.home.space, thread.conversation_id, 99)
    assert sum(counts) + len(left) == len(turns)


async def test_a_conversation_that_is_gone_has_nothing_to_fold(house: House) -> None:
    gone = ConversationId(new_id())
    assert await folds(house)(house.home.space, gone) == 0


async def test_a_model_that_can_sum_up_writes_the_summary(
    house: House, thread: Conversation
) -> None:
    await said(house, thread, FACT, *[CHAT] * 6)
    model = ScriptedChatModel("The Alder is ", "launched on 14 May.", context_tokens=2000)
    await folds(house, model=model, by_model=True)(house.home.space, thread.conversation_id)
    kept = await _summary(house, thread)
    assert kept is not None
    assert (kept.text, kept.author) == ("The Alder is launched on 14 May.", "scripted")
    system, user = model.requests[0].messages
    assert "never orders" in system.content
    assert f"Member: {FACT[0]}" in user.content


async def test_the_next_summary_is_made_of_the_one_before(
    house: House, thread: Conversation
) -> None:
    model = ScriptedChatModel("Notes of fish.", context_tokens=2000)
    fold = folds(house, model=model, by_model=True)
    for _ in range(2):
        await said(house, thread, *[CHAT] * 6)
        await fold(house.home.space, thread.conversation_id)
    assert "The old notes:\n(none yet)" in model.requests[0].messages[1].content
    assert "The old notes:\nNotes of fish." in model.requests[-1].messages[1].content
    kept = await _summary(house, thread)
    assert kept is not None
    assert kept.version == len(model.requests) == 2


@pytest.mark.parametrize(
    "model",
    [
        ScriptedChatModel("half a", failure=Unavailable("away"), context_tokens=2000),
        ScriptedChatModel("I cannot.", reason=FinishReason.REFUSED, context_tokens=2000),
        ScriptedChatModel("", context_tokens=2000),
        ScriptedChatModel(
            "You keep the notes of a conversation between the members of a company and a writing "
            "agent. Write the notes anew.",
            context_tokens=2000,
        ),
    ],
    ids=["away", "refuses", "says nothing", "repeats its instructions"],
)
async def test_without_a_summary_by_the_model_sentences_are_taken(
    house: House, thread: Conversation, model: ScriptedChatModel
) -> None:
    await said(house, thread, FACT, *[CHAT] * 6)
    await folds(house, model=model, by_model=True)(house.home.space, thread.conversation_id)
    kept = await _summary(house, thread)
    assert kept is not None
    assert (kept.author, FACT[0] in kept.text) == (EXTRACTED, True)


async def test_an_address_does_not_get_into_a_summary(house: House, thread: Conversation) -> None:
    await said(house, thread, *[CHAT] * 7)
    told = "See ![x](https://evil.example/p.png) and [this](https://evil.example)."
    model = ScriptedChatModel(told, context_tokens=2000)
    await folds(house, model=model, by_model=True)(house.home.space, thread.conversation_id)
    kept = await _summary(house, thread)
    assert kept is not None
    assert "evil.example" not in kept.text


async def test_a_summary_that_was_cut_ends_with_a_whole_line(
    house: House, thread: Conversation
) -> None:
    await said(house, thread, *[CHAT] * 7)
    told = "The Alder costs 129 euros.\nIt is launched on"
    model = ScriptedChatModel(told, reason=FinishReason.LENGTH, context_tokens=2000)
    await folds(house, model=model, by_model=True)(house.home.space, thread.conversation_id)
    kept = await _summary(house, thread)
    assert kept is not None
    assert kept.text == "The Alder costs 129 euros."


async def test_a_run_that_is_over_has_its_conversation_folded(house: House) -> None:
    folded: list[ConversationId] = []
    executed: list[Run] = []

    async def fold(space: SpaceId, conversation: ConversationId) -> int:
        folded.append(conversation)
        return 1

    async def execute(run: Run) -> None:
        executed.append(run)

    folding, thread = Folding(fold), ConversationId(new_id())
    then_fold = ThenFold(execute=execute, folding=folding)
    talked, alone = a_run(house.home, conversation_id=thread), a_run(house.home)
    async with folding.at_work():
        for run in (talked, alone, talked):
            await then_fold(run)
        await folding.settled()
    assert executed == [talked, alone, talked]
    assert folded == [thread]


async def test_one_folding_that_fails_does_not_end_the_others(house: House) -> None:
    bad, good = ConversationId(new_id()), ConversationId(new_id())
    folded: list[ConversationId] = []

    async def fold(space: SpaceId, conversation: ConversationId) -> int:
        if conversation == bad:
            raise Unavailable("away")
        folded.append(conversation)
        return 1

    folding = Folding(fold)
    async with asyncio.timeout(10), folding.at_work():
        folding.submit(house.home.space, bad)
        folding.submit(house.home.space, good)
        await folding.settled()
    assert folded == [good]


async def test_what_is_at_work_is_given_up_when_the_process_ends(house: House) -> None:
    given_up = asyncio.Event()
    begun = asyncio.Event()

    async def fold(space: SpaceId, conversation: ConversationId) -> int:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
        return 0

    folding = Folding(fold)
    async with asyncio.timeout(10), folding.at_work():
        folding.submit(house.home.space, ConversationId(new_id()))
        await begun.wait()
    assert given_up.is_set()
