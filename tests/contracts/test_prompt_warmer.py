"""The contract of `PromptWarmer`, on every chat model that can be warmed."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from adapters.local.chat import LlamaChatModel
from adapters.local.weights import packaged_chat_model
from adapters.memory.scripted_chat_model import ScriptedChatModel
from adapters.openai_compatible.chat import OpenAiCompatibleChatModel
from adapters.vertex.channel import open_channel
from adapters.vertex.chat import VertexChatModel
from adapters.vertex.place import VertexPlace
from domain.agents.chat import ChatFinished, ChatMessage, ChatRequest, Role, TextDelta
from domain.errors import Unavailable
from fixtures.openai_server import FakeOpenAiServer
from fixtures.vertex_chat_server import FakeGemini, serving_gemini

Model = LlamaChatModel | OpenAiCompatibleChatModel | ScriptedChatModel | VertexChatModel
PREFIX = (
    ChatMessage(role=Role.SYSTEM, content="You sell bags. " + "Canvas lasts. " * 120),
    ChatMessage(role=Role.USER, content="Which bag?"),
    ChatMessage(role=Role.ASSISTANT, content="The Alder."),
)
QUESTION = ChatMessage(role=Role.USER, content="And which strap?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    model: Model
    away: Callable[[], Awaitable[Model]]


@pytest.fixture(scope="module")
async def llama() -> AsyncIterator[Subject]:
    def connect() -> LlamaChatModel:
        return LlamaChatModel(packaged_chat_model(), name="smollm2", parallel=1)

    async def closed() -> Model:
        other = connect()
        await other.close()
        return other

    model = connect()
    await model.start()
    yield Subject(model=model, away=closed)
    await model.close()


@pytest.fixture
async def openai_compatible() -> AsyncIterator[Subject]:
    server = FakeOpenAiServer(context_words=800)
    server.start()
    model = OpenAiCompatibleChatModel(server.base_url, "any", context_tokens=800)

    async def nowhere() -> Model:
        return OpenAiCompatibleChatModel("http://127.0.0.1:9/v1", "any")

    yield Subject(model=model, away=nowhere)
    await model.close()
    server.stop()


@pytest.fixture
async def vertex() -> AsyncIterator[Subject]:
    async def connect(url: str) -> VertexChatModel:
        place = VertexPlace.parse(url)
        return VertexChatModel(await open_channel(place, "aiplatform"), place, "any")

    async with serving_gemini(FakeGemini()) as fake:
        model = await connect(fake.url)
        nowhere = await connect("vertex://project/global?endpoint=http://127.0.0.1:9")

        async def away() -> Model:
            return nowhere

        yield Subject(model=model, away=away)
        await model.close()
        await nowhere.close()


@pytest.fixture
def scripted() -> Subject:
    async def failing() -> Model:
        return ScriptedChatModel(failure=Unavailable("away"))

    return Subject(model=ScriptedChatModel("The", " long one."), away=failing)


@pytest.fixture(params=["llama", "openai_compatible", "vertex", "scripted"])
def subject(request: pytest.FixtureRequest) -> Subject:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Subject)
    return found


def _ask(*messages: ChatMessage, max_tokens: int = 8) -> ChatRequest:
    return ChatRequest(messages=messages, temperature=0.0, max_tokens=max_tokens)


async def _answered(model: Model, request: ChatRequest) -> tuple[str, float]:
    """What was said, and the seconds to its first piece."""
    begun, first, said = time.perf_counter(), 0.0, ""
    async for chunk in model.stream(request):
        if isinstance(chunk, TextDelta):
            first = first or time.perf_counter() - begun
            said += chunk.text
        assert isinstance(chunk, TextDelta | ChatFinished)
    return said, first


async def test_a_model_that_was_warmed_answers_as_it_would_have(subject: Subject) -> None:
    cold, _ = await _answered(subject.model, _ask(*PREFIX, QUESTION))
    assert await subject.model.warm(PREFIX)
    assert (await _answered(subject.model, _ask(*PREFIX, QUESTION)))[0] == cold


async def test_a_model_that_is_away_is_not_warm_and_says_so_without_raising(
    subject: Subject,
) -> None:
    assert not await (await subject.away()).warm(PREFIX)


async def test_a_warm_beginning_is_not_read_again(llama: Subject) -> None:
    other = ChatMessage(role=Role.SYSTEM, content="You sell tents. " + "Rain stays out. " * 120)
    _, cold = await _answered(llama.model, _ask(other, QUESTION))
    await _answered(llama.model, _ask(QUESTION))
    third = ChatMessage(role=Role.SYSTEM, content="You sell boats. " + "Oak floats well. " * 120)
    assert await llama.model.warm((third,))
    _, warm = await _answered(llama.model, _ask(third, QUESTION))
    assert warm < cold / 3
