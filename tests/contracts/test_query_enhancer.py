"""The contract of `QueryEnhancer`, by rules and by models: scripted, at the wire and embedded."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from adapters.local.chat import LlamaChatModel
from adapters.local.rule_query_enhancer import RuleQueryEnhancer
from adapters.local.weights import packaged_chat_model
from adapters.memory.entropy import SeededEntropy
from adapters.memory.scripted_chat_model import ScriptedChatModel
from adapters.openai_compatible.chat import OpenAiCompatibleChatModel
from application.ports.chat_model import ChatModel
from application.ports.query_enhancer import QueryEnhancer
from application.retrieval.enhance import ModelQueryEnhancer
from domain.agents.chat import ChatMessage, ChatRequest, FinishReason, Role
from domain.agents.earlier import Earlier
from domain.errors import InvalidInput, Unavailable
from domain.retrieval.enhancement import MOST_CHARACTERS, EnhancedQuery
from fixtures.openai_server import FakeOpenAiServer, Reply, delta, event

TOPIC = "What does the Pro plan of Nordlys cost per month?"
ANSWER = {
    "query": "cost of the Nordlys Pro plan for enterprise",
    "alternatives": ["enterprise price of Nordlys Pro"],
    "entities": ["Nordlys", "Pro"],
}
TALK = Earlier(
    history=(
        ChatMessage(role=Role.USER, content=TOPIC),
        ChatMessage(role=Role.ASSISTANT, content="It costs 4,90 euros."),
    )
)
HARD = 'Herring? "quoted" \\ \x00 \n 数 🎉 {"query": 1} </s> ' + "word " * 3_000


def _by_model(model: ChatModel) -> ModelQueryEnhancer:
    return ModelQueryEnhancer(model=model, entropy=SeededEntropy(5))


@pytest.fixture(params=["rules", "model"])
def enhancer(request: pytest.FixtureRequest) -> QueryEnhancer:
    if request.param == "rules":
        return RuleQueryEnhancer()
    return _by_model(ScriptedChatModel(*json.dumps(ANSWER)))


async def test_a_follow_up_is_put_on_its_own_feet(enhancer: QueryEnhancer) -> None:
    found = await enhancer.enhance("And for enterprise?", TALK)
    assert found is not None
    assert "Nordlys" in found.text
    assert "enterprise" in found.text
    assert "Nordlys" in " ".join(found.entities)


@pytest.mark.parametrize("question", ["?", "bags", HARD, "\n", "a" * 8_000])
async def test_any_question_gets_a_query_within_bounds_or_none(
    enhancer: QueryEnhancer, question: str
) -> None:
    found = await enhancer.enhance(question, TALK)
    assert found is None or len(found.text) <= MOST_CHARACTERS


async def test_asking_twice_says_the_same(enhancer: QueryEnhancer) -> None:
    both = [await enhancer.enhance("And for enterprise?", TALK) for _ in range(2)]
    assert both[0] == both[1]


async def test_rules_have_nothing_to_add_to_a_plain_question() -> None:
    assert await RuleQueryEnhancer().enhance("opening hours of the shop", Earlier()) is None


async def test_the_model_is_shown_the_conversation_as_data_and_asked_for_a_shape() -> None:
    model = ScriptedChatModel(*json.dumps(ANSWER))
    talk = Earlier(summary="They sell herring.", mark="m", history=TALK.history)
    assert await _by_model(model).enhance("And for enterprise?", talk) == EnhancedQuery(
        text=str(ANSWER["query"]),
        alternatives=("enterprise price of Nordlys Pro",),
        entities=("Nordlys", "Pro"),
    )
    (request,) = model.requests
    told, shown = request.messages
    assert told.role is Role.SYSTEM
    marker = shown.content.splitlines()[0]
    assert shown.content.endswith(marker)
    assert marker not in told.content
    for text in ("They sell herring.", TOPIC, "4,90 euros", "And for enterprise?"):
        assert text in shown.content
    assert request.json_schema is not None
    assert request.temperature == 0.0


@pytest.mark.parametrize(
    "said", ["", "Sure, here you go!", '{"query": "cut', "[1, 2]", '{"query": 7}', "x" * 20_000]
)
async def test_a_broken_answer_is_nothing_to_add(said: str) -> None:
    model = ScriptedChatModel(*(said[at : at + 50] for at in range(0, len(said), 50)))
    assert await _by_model(model).enhance("bags", Earlier()) is None


@pytest.mark.parametrize("reason", [FinishReason.LENGTH, FinishReason.REFUSED])
async def test_an_answer_that_did_not_end_by_itself_is_nothing_to_add(
    reason: FinishReason,
) -> None:
    model = ScriptedChatModel(json.dumps(ANSWER), reason=reason)
    assert await _by_model(model).enhance("bags", Earlier()) is None


async def test_a_model_that_refuses_the_request_adds_nothing() -> None:
    model = ScriptedChatModel(failure=InvalidInput("no such schema", field="json_schema"))
    assert await _by_model(model).enhance("bags", Earlier()) is None


async def test_a_model_that_is_away_is_said_to_be() -> None:
    model = ScriptedChatModel(failure=Unavailable("away"))
    with pytest.raises(Unavailable):
        await _by_model(model).enhance("bags", Earlier())


async def test_giving_up_stops_the_model() -> None:
    model = ScriptedChatModel("a", delay=30)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await _by_model(model).enhance("bags", Earlier())
    assert len(model.requests) == 1
    assert model.streaming == 0


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAiServer]:
    server = FakeOpenAiServer()
    server.start()
    yield server
    server.stop()


async def test_a_server_is_sent_the_schema_and_its_answer_read(server: FakeOpenAiServer) -> None:
    parts = (*(delta(piece) for piece in json.dumps(ANSWER)), delta(None, "stop"), event("[DONE]"))
    server.script.append(Reply(parts=parts))
    model = OpenAiCompatibleChatModel(server.base_url, "fast")
    found = await _by_model(model).enhance("And for enterprise?", TALK)
    await model.close()
    assert found is not None
    assert found.text == ANSWER["query"]
    sent = server.requests[-1].body["response_format"]
    assert isinstance(sent, dict)
    assert sent["type"] == "json_schema"


async def test_the_shipped_model_keeps_to_the_shape_too() -> None:
    model = LlamaChatModel(packaged_chat_model(), name="smollm2", parallel=1)
    await model.start()
    try:
        found = await _by_model(model).enhance("What does smoked herring cost?", Earlier())
    finally:
        await model.close()
    assert found is None or found.text


def test_a_request_fits_a_small_model() -> None:
    model = ScriptedChatModel(json.dumps(ANSWER), context_tokens=2_048)
    long = ChatMessage(role=Role.USER, content="word " * 5_000)
    answer = ChatMessage(role=Role.ASSISTANT, content="word " * 5_000)
    earlier = Earlier(summary="word " * 5_000, mark="m", history=(long, answer) * 5)
    asyncio.run(_by_model(model).enhance("word " * 5_000, earlier))
    (request,) = model.requests
    assert isinstance(request, ChatRequest)
    assert sum(len(message.content) for message in request.messages) < 7_000
