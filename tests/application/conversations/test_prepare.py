"""PrepareConversation: what the next question reads first is read and warmed ahead of it."""

import asyncio

import pytest

from adapters.memory.clock import FixedClock
from adapters.memory.scripted_chat_model import ScriptedChatModel
from application.agents.prompt import Desk, plan_writing
from application.conversations.prepare import PrepareConversation
from application.conversations.prepared import PreparedConversations
from application.ports.chat_model import ChatModel
from domain.agents.chat import ChatMessage, Role
from domain.agents.definition import UnknownAgent
from domain.agents.state import AgentState
from domain.agents.task import AgentTask
from domain.conversations.conversation import Conversation, ConversationNotFound
from domain.errors import Unavailable
from domain.identifiers import RunId, UserId
from domain.tenancy.access import ActionNotAllowed
from domain.tenancy.access import Role as SpaceRole
from domain.tenancy.settings import BrandVoice, SpaceSettings
from fixtures.house import AGENTS, House, context_of
from fixtures.making import new_home, new_id
from fixtures.recalling import recalling
from fixtures.talking import fold_now, said, thread_in

CHAT = ("And a little warmer?", "Here it is, a little warmer. " * 12)


@pytest.fixture
async def thread(house: House) -> Conversation:
    return await thread_in(house)


def _prepare(
    house: House, model: ChatModel, prepared: PreparedConversations | None = None
) -> PrepareConversation:
    kept = PreparedConversations(FixedClock()) if prepared is None else prepared
    return PrepareConversation(
        recall=recalling(house.stores, model=model, prepared=kept),
        prepared=kept,
        settings=house.stores.settings,
        agents=AGENTS,
        model=model,
        sections=0,
    )


async def test_the_prompt_is_warmed_as_far_as_it_is_known(
    house: House, thread: Conversation
) -> None:
    settings = SpaceSettings(brand_voice=BrandVoice(tone="warm"))
    await house.stores.settings.put(house.home.space, settings, UserId(new_id()))
    await said(house, thread, *[CHAT] * 8)
    await fold_now(house, thread)
    model, context = ScriptedChatModel(), context_of(house.home)
    prepare = _prepare(house, model)
    assert await prepare(context, conversation_id=thread.conversation_id, agent="email")
    earlier = await recalling(house.stores, model=model)(
        house.home.space, thread.conversation_id, before=RunId(new_id())
    )
    task = AgentTask(
        space_id=house.home.space,
        run_id=RunId(new_id()),
        agent=AGENTS.get("email"),
        question="And shorter?",
        earlier=earlier,
    )
    desk = Desk(context_tokens=model.context_tokens, count_tokens=model.count_tokens, sections=0)
    (section,) = plan_writing(task, AgentState(settings=settings), (), "0" * 16, desk).sections
    assert earlier.summary
    assert model.warmed == [section.request.messages[:-1]]


async def test_a_run_that_follows_takes_what_was_prepared(
    house: House, thread: Conversation
) -> None:
    await said(house, thread, CHAT)
    model, prepared = ScriptedChatModel(), PreparedConversations(FixedClock())
    prepare = _prepare(house, model, prepared)
    await prepare(context_of(house.home), conversation_id=thread.conversation_id, agent="email")
    assert len(prepared) == 1
    recall = recalling(house.stores, model=model, prepared=prepared)
    told = await recall(house.home.space, thread.conversation_id, before=RunId(new_id()))
    assert [m.content for m in told.history] == list(CHAT)
    assert len(prepared) == 0


async def test_asking_again_warms_nothing_twice(house: House, thread: Conversation) -> None:
    model = ScriptedChatModel()
    prepare, context = _prepare(house, model), context_of(house.home)
    for agent in ("email", "email", "brand"):
        assert await prepare(context, conversation_id=thread.conversation_id, agent=agent)
    assert len(model.warmed) == 2
    await said(house, thread, CHAT)
    assert await prepare(context, conversation_id=thread.conversation_id, agent="brand")
    assert len(model.warmed) == 3


async def test_a_model_that_is_away_is_not_warm(house: House, thread: Conversation) -> None:
    model, prepared = (
        ScriptedChatModel(failure=Unavailable("away")),
        PreparedConversations(FixedClock()),
    )
    prepare = _prepare(house, model, prepared)
    context = context_of(house.home)
    assert not await prepare(context, conversation_id=thread.conversation_id, agent="email")
    assert prepared.peek(house.home.space, thread.conversation_id) is not None


async def test_one_prompt_is_warmed_at_a_time(house: House, thread: Conversation) -> None:
    class Slow(ScriptedChatModel):
        async def warm(self, prefix: tuple[ChatMessage, ...]) -> bool:
            await asyncio.sleep(0.05)
            return await super().warm(prefix)

    model, other = Slow(), await thread_in(house)
    prepare, context = _prepare(house, model), context_of(house.home)
    answers = await asyncio.gather(
        *(
            prepare(context, conversation_id=each.conversation_id, agent="email")
            for each in (thread, other)
        )
    )
    assert sorted(answers) == [False, True]
    assert len(model.warmed) == 1


async def test_who_may_only_read_prepares_nothing(house: House, thread: Conversation) -> None:
    model = ScriptedChatModel()
    with pytest.raises(ActionNotAllowed):
        await _prepare(house, model)(
            context_of(house.home, SpaceRole.VIEWER),
            conversation_id=thread.conversation_id,
            agent="email",
        )
    assert model.warmed == []


async def test_another_spaces_conversation_is_not_prepared(
    house: House, thread: Conversation
) -> None:
    model, prepared = ScriptedChatModel(), PreparedConversations(FixedClock())
    elsewhere = context_of(await new_home(house.stores.tenancy))
    with pytest.raises(ConversationNotFound):
        await _prepare(house, model, prepared)(
            elsewhere, conversation_id=thread.conversation_id, agent="email"
        )
    assert (model.warmed, len(prepared)) == ([], 0)


async def test_an_agent_that_does_not_exist_is_refused(house: House, thread: Conversation) -> None:
    with pytest.raises(UnknownAgent):
        await _prepare(house, ScriptedChatModel())(
            context_of(house.home), conversation_id=thread.conversation_id, agent="nobody"
        )


async def test_the_prefix_of_a_space_holds_nothing_of_another(
    house: House, thread: Conversation
) -> None:
    await said(house, thread, ("Our secret is the Alder.", "Noted."))
    other = await new_home(house.stores.tenancy)
    model = ScriptedChatModel()
    prepare = _prepare(house, model)
    await prepare(context_of(house.home), conversation_id=thread.conversation_id, agent="email")
    foreign = type(house)(
        stores=house.stores,
        home=other,
        fan_out=house.fan_out,
        jobs=house.jobs,
        clock=house.clock,
        entropy=house.entropy,
    )
    theirs = await thread_in(foreign)
    await prepare(context_of(other), conversation_id=theirs.conversation_id, agent="email")
    own, their = model.warmed
    assert any("Alder" in message.content for message in own)
    assert [message.role for message in their] == [Role.SYSTEM]
    assert all("Alder" not in message.content for message in their)
