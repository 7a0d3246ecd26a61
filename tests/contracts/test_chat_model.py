"""What every chat model keeps to, whichever it is."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.local.chat import LlamaChatModel
from adapters.local.weights import packaged_chat_model
from adapters.openai_compatible.chat import OpenAiCompatibleChatModel
from adapters.vertex.channel import open_channel
from adapters.vertex.chat import VertexChatModel
from adapters.vertex.place import VertexPlace
from application.ports.chat_model import ChatModel
from domain.agents.chat import (
    ChatChunk,
    ChatFinished,
    ChatMessage,
    ChatRequest,
    FinishReason,
    Role,
    TextDelta,
)
from domain.errors import InvalidInput, Unavailable
from fixtures.openai_server import FakeOpenAiServer
from fixtures.vertex_chat_server import FakeGemini, serving_gemini

LONG = "Write a long story about a small bakery by the sea."


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model, how to see from outside that it works on something, and how to make a closed one."""

    model: ChatModel
    work_done: Callable[[], int]
    closed_model: Callable[[], Awaitable[ChatModel]]

    async def is_decoding(self) -> bool:
        before = self.work_done()
        await asyncio.sleep(0.15)
        return self.work_done() - before > 2


@pytest.fixture(scope="session")
async def llama() -> AsyncIterator[Subject]:
    model = LlamaChatModel(packaged_chat_model(), name="smollm2", context_tokens=1024, parallel=2)
    await model.start()

    def processor_ticks() -> int:
        stat = Path(f"/proc/{model.process_id}/stat").read_text().rpartition(")")[2].split()
        return int(stat[11]) + int(stat[12])

    async def closed() -> ChatModel:
        other = LlamaChatModel(packaged_chat_model(), name="smollm2", context_tokens=256)
        await other.start()
        await other.close()
        return other

    yield Subject(model=model, work_done=processor_ticks, closed_model=closed)
    await model.close()


@pytest.fixture(scope="session")
def fake_server() -> Iterator[FakeOpenAiServer]:
    server = FakeOpenAiServer(context_words=800)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
async def openai_compatible(fake_server: FakeOpenAiServer) -> AsyncIterator[Subject]:
    def connect() -> OpenAiCompatibleChatModel:
        return OpenAiCompatibleChatModel(fake_server.base_url, "any", context_tokens=800)

    async def closed() -> ChatModel:
        other = connect()
        await other.close()
        return other

    model = connect()
    yield Subject(model=model, work_done=lambda: fake_server.pieces_sent, closed_model=closed)
    await model.close()


@pytest.fixture(scope="session")
async def vertex() -> AsyncIterator[Subject]:
    async def connect() -> VertexChatModel:
        place = VertexPlace.parse(fake.url)
        channel = await open_channel(place, "aiplatform")
        return VertexChatModel(channel, place, "any", context_tokens=800)

    async def closed() -> ChatModel:
        other = await connect()
        await other.close()
        return other

    async with serving_gemini(FakeGemini(context_words=800)) as fake:
        model = await connect()
        yield Subject(model=model, work_done=lambda: fake.pieces_sent, closed_model=closed)
        await model.close()


@pytest.fixture(params=["llama", "openai_compatible", "vertex"])
def subject(request: pytest.FixtureRequest) -> Subject:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Subject)
    return found


def ask(
    text: str, *, max_tokens: int = 16, temperature: float = 0.0, json_schema: str | None = None
) -> ChatRequest:
    return ChatRequest(
        messages=(ChatMessage(role=Role.USER, content=text),),
        temperature=temperature,
        max_tokens=max_tokens,
        json_schema=json_schema,
    )


def only(*allowed: str) -> str:
    return json.dumps(
        {
            "type": "object",
            "properties": {"word": {"enum": list(allowed)}},
            "required": ["word"],
            "additionalProperties": False,
        }
    )


async def answered(model: ChatModel, request: ChatRequest) -> list[ChatChunk]:
    return [chunk async for chunk in model.stream(request)]


def text_of(chunks: list[ChatChunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta))


async def test_an_answer_is_several_deltas_and_then_one_finished(subject: Subject) -> None:
    *deltas, last = await answered(subject.model, ask("Name three colours."))
    assert len(deltas) > 3
    assert all(isinstance(delta, TextDelta) and delta.text for delta in deltas)
    assert isinstance(last, ChatFinished)
    assert last.prompt_tokens > 0


async def test_an_answer_cut_at_max_tokens_says_so(subject: Subject) -> None:
    *_, last = await answered(subject.model, ask(LONG, max_tokens=5))
    assert isinstance(last, ChatFinished)
    assert (last.reason, last.completion_tokens) == (FinishReason.LENGTH, 5)


async def test_deltas_come_while_the_model_is_still_writing(subject: Subject) -> None:
    began = time.perf_counter()
    arrivals = [
        time.perf_counter() - began
        async for _ in subject.model.stream(ask(LONG, max_tokens=40, temperature=0.8))
    ]
    assert arrivals[0] < arrivals[-1] * 0.7


async def test_closing_the_generator_stops_the_decoding(subject: Subject) -> None:
    async with aclosing(subject.model.stream(ask(LONG, max_tokens=700, temperature=0.8))) as stream:
        await anext(stream)
        assert await subject.is_decoding()
        began = time.perf_counter()
    assert time.perf_counter() - began < 0.5
    await asyncio.sleep(0.3)
    assert not await subject.is_decoding()


async def test_cancelling_the_consumer_stops_the_decoding(subject: Subject) -> None:
    async def consume() -> None:
        await answered(subject.model, ask(LONG, max_tokens=700, temperature=0.8))

    consumer = asyncio.create_task(consume())
    await asyncio.sleep(0.5)
    assert await subject.is_decoding()
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    await asyncio.sleep(0.35)
    assert not await subject.is_decoding()


async def test_abandoned_answers_leave_their_places_to_others(subject: Subject) -> None:
    for _ in range(4):
        async with aclosing(subject.model.stream(ask(LONG, max_tokens=700))) as stream:
            await anext(stream)
    began = time.perf_counter()
    await answered(subject.model, ask("Say hi.", max_tokens=2))
    assert time.perf_counter() - began < 1.5


async def test_the_event_loop_stays_free_while_two_answers_are_written(subject: Subject) -> None:
    answers = asyncio.gather(
        *(answered(subject.model, ask(f"{LONG} Part {n}.", max_tokens=30)) for n in range(2))
    )
    longest = 0.0
    while not answers.done():
        before = time.perf_counter()
        await asyncio.sleep(0.005)
        longest = max(longest, time.perf_counter() - before - 0.005)
    assert all(isinstance(answer[-1], ChatFinished) for answer in await answers)
    assert longest < 0.1


async def test_a_schema_holds_for_the_whole_answer(subject: Subject) -> None:
    request = ask("Which channel?", max_tokens=40, json_schema=only("newsletter", "billboard"))
    chunks = await answered(subject.model, request)
    assert json.loads(text_of(chunks))["word"] in ("newsletter", "billboard")
    assert isinstance(chunks[-1], ChatFinished)
    assert chunks[-1].reason is FinishReason.STOP


@pytest.mark.parametrize("schema", ["{", "[1]"])
async def test_a_schema_that_is_no_json_object_is_refused(subject: Subject, schema: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await answered(subject.model, ask("Hello", json_schema=schema))
    assert (refused.value.reason, refused.value.field) == ("INVALID_JSON_SCHEMA", "json_schema")


async def test_characters_of_many_bytes_arrive_whole(subject: Subject) -> None:
    wanted = "🦊 Grüße 東京 👩‍👩‍👧"
    chunks = await answered(subject.model, ask("x", max_tokens=80, json_schema=only(wanted)))
    assert json.loads(text_of(chunks)) == {"word": wanted}
    for chunk in chunks:
        if isinstance(chunk, TextDelta):
            assert "�" not in chunk.text
            chunk.text.encode()


async def test_concurrent_answers_do_not_mix(subject: Subject) -> None:
    words = ["apple", "bridge", "candle", "dragon", "engine"]
    answers = await asyncio.gather(
        *(
            answered(subject.model, ask(f"Say {word}.", max_tokens=30, json_schema=only(word)))
            for word in words
        )
    )
    assert [json.loads(text_of(answer))["word"] for answer in answers] == words


async def test_a_prompt_over_the_context_is_refused_with_both_numbers(subject: Subject) -> None:
    with pytest.raises(InvalidInput) as refused:
        await answered(subject.model, ask("over and over " * 800))
    assert refused.value.reason == "PROMPT_TOO_LONG"
    numbers = [int(number) for number in re.findall(r"\d+", refused.value.message)]
    assert subject.model.context_tokens in numbers
    assert any(2400 <= number <= 2450 for number in numbers)


async def test_a_text_is_never_counted_too_low(subject: Subject) -> None:
    text = "Our summer roast tastes of cherry, cocoa and 3 kinds of nuts — Grüße aus Zürich!"
    short, long = [
        await answered(subject.model, ask(prompt, max_tokens=1)) for prompt in ("x", f"x {text}")
    ]
    assert isinstance(short[-1], ChatFinished)
    assert isinstance(long[-1], ChatFinished)
    added = long[-1].prompt_tokens - short[-1].prompt_tokens
    assert 0 < added <= subject.model.count_tokens(f" {text}")


async def test_a_closed_model_refuses(subject: Subject) -> None:
    model = await subject.closed_model()
    with pytest.raises(Unavailable) as refused:
        await answered(model, ask("Hello"))
    assert refused.value.reason == "MODEL_UNAVAILABLE"
