"""The dialects of OpenAI, Ollama, vLLM and llama.cpp, and what goes wrong on the way to them."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.openai_compatible.chat import OpenAiCompatibleChatModel
from adapters.openai_compatible.model_server import Deadlines
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
from fixtures.openai_server import (
    NOT_ANSWERED,
    FakeOpenAiServer,
    Reply,
    delta,
    event,
    refusal,
    usage,
)

KEY = "sk-very-secret"
DONE = event("[DONE]")
GOOD = Reply(parts=(delta("Hello"), delta(" you", "stop"), usage(7, 2), DONE))
IMPATIENT = Deadlines(connect=1.0, first_byte=0.3, idle=0.2, longest_retry_wait=1.0)


@pytest.fixture
def server() -> Iterator[FakeOpenAiServer]:
    fake = FakeOpenAiServer()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
async def model(server: FakeOpenAiServer) -> AsyncIterator[OpenAiCompatibleChatModel]:
    model = OpenAiCompatibleChatModel(server.base_url, "m", api_key=KEY, deadlines=IMPATIENT)
    yield model
    await model.close()


def ask(*, json_schema: str | None = None) -> ChatRequest:
    return ChatRequest(
        messages=(
            ChatMessage(role=Role.SYSTEM, content="Be short."),
            ChatMessage(role=Role.USER, content="Hi\ud83e"),
        ),
        temperature=0.5,
        max_tokens=20,
        json_schema=json_schema,
        seed=11,
    )


async def answered(
    model: OpenAiCompatibleChatModel, request: ChatRequest | None = None
) -> tuple[str, ChatFinished]:
    chunks: list[ChatChunk] = [chunk async for chunk in model.stream(request or ask())]
    last = chunks.pop()
    assert isinstance(last, ChatFinished)
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta)), last


async def test_the_request_is_as_the_dialect_wants_it(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel
) -> None:
    server.script.append(GOOD)
    await answered(model, ask(json_schema='{"type": "object"}'))
    (sent,) = server.requests
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": "Hi?"},
        ],
        "temperature": 0.5,
        "max_tokens": 20,
        "seed": 11,
        "stream": True,
        "stream_options": {"include_usage": True},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
        },
    }


FINISHED = ChatFinished(reason=FinishReason.STOP, prompt_tokens=7, completion_tokens=2)
DIALECTS = {
    "usage in the last chunk": GOOD.parts,
    "comments keep the line alive": (b": ping\n\n", *GOOD.parts[:1], b":\n\n", *GOOD.parts[1:]),
    "carriage returns": tuple(part.replace(b"\n", b"\r\n") for part in GOOD.parts),
    "one byte a packet": tuple(bytes([byte]) for part in GOOD.parts for byte in part),
    "all in one packet": (b"".join(GOOD.parts),),
    "no space after the colon": tuple(part.replace(b"data: ", b"data:") for part in GOOD.parts),
    "event names and ids": tuple(b"event: message\nid: 1\n" + part for part in GOOD.parts),
    "no DONE": GOOD.parts[:-1],
    "no DONE, no last empty line": (*GOOD.parts[:-2], GOOD.parts[-2].rstrip()),
    "content null": (delta(None), *GOOD.parts[:2], delta(None), *GOOD.parts[2:]),
    "reasoning apart": (
        event({"choices": [{"delta": {"reasoning_content": "hmm"}}]}),
        *GOOD.parts,
    ),
    "usage null until the end": (
        event({"choices": [{"delta": {"content": "Hello you"}}], "usage": None}),
        delta("", "stop"),
        *GOOD.parts[2:],
    ),
    "something after DONE": (*GOOD.parts, delta("never read")),
}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_every_dialect_reads_the_same(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel, dialect: str
) -> None:
    server.script.append(Reply(parts=DIALECTS[dialect]))
    assert await answered(model) == ("Hello you", FINISHED)


async def test_a_server_that_does_not_stream_is_read_all_the_same(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel
) -> None:
    whole = {"choices": [{"message": {"content": "Hello you"}, "finish_reason": "stop"}]}
    counted = event(whole | {"usage": {"prompt_tokens": 7, "completion_tokens": 2}})
    body = counted.removeprefix(b"data: ")
    server.script.append(Reply(content_type="application/json", parts=(body,)))
    assert await answered(model) == ("Hello you", FINISHED)


async def test_missing_usage_is_estimated(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel
) -> None:
    server.script.append(Reply(parts=(delta("a"), delta("b"), delta("c", "length"), DONE)))
    _, last = await answered(model)
    assert (last.reason, last.completion_tokens) == (FinishReason.LENGTH, 3)
    assert last.prompt_tokens == 3


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("content_filter", FinishReason.REFUSED),
        ("something new", FinishReason.STOP),
    ],
)
async def test_finish_reasons(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel, finish: str, reason: FinishReason
) -> None:
    server.script.append(Reply(parts=(delta("x", finish), DONE)))
    assert (await answered(model))[1].reason is reason


async def test_a_refusal_is_a_reason_and_no_text(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel
) -> None:
    refused = event({"choices": [{"delta": {"refusal": "I will not."}}]})
    server.script.append(Reply(parts=(refused, delta(None, "stop"), DONE)))
    text, last = await answered(model)
    assert (text, last.reason) == ("", FinishReason.REFUSED)


async def test_line_separators_in_a_text_do_not_cut_an_event(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel
) -> None:
    server.script.append(Reply(parts=(delta("a\u2028b\x85c\x0bd", "stop"), DONE)))
    assert (await answered(model))[0] == "a\u2028b\x85c\x0bd"


async def test_a_character_in_two_events_is_joined(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel
) -> None:
    halves = tuple(
        b'data: {"choices": [{"delta": {"content": "' + half + b'"}}]}\n\n'
        for half in (b"x\\ud83e", b"\\udd8ay")
    )
    server.script.append(Reply(parts=(*halves, delta(None, "stop"), DONE)))
    chunks = [chunk async for chunk in model.stream(ask())]
    assert [chunk.text for chunk in chunks if isinstance(chunk, TextDelta)] == ["x", "🦊y"]


@pytest.mark.parametrize("status", [429, 502, 503])
async def test_a_busy_server_is_asked_once_more(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel, status: int
) -> None:
    server.script.extend([refusal(status, {}), GOOD])
    assert await answered(model) == ("Hello you", FINISHED)
    server.script.extend([refusal(status, {}), refusal(status, {})])
    with pytest.raises(Unavailable) as refused:
        await answered(model)
    assert refused.value.reason == "MODEL_UNAVAILABLE"
    assert len(server.requests) == 4


async def test_a_connection_that_breaks_before_the_answer_is_tried_once_more(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel
) -> None:
    server.script.extend([NOT_ANSWERED, GOOD])
    assert await answered(model) == ("Hello you", FINISHED)


@pytest.mark.parametrize(
    "headers",
    [
        (("Retry-After", "0.5"),),
        (
            ("Date", "Wed, 21 Oct 2015 07:28:00 GMT"),
            ("Retry-After", "Wed, 21 Oct 2015 07:28:01 GMT"),
        ),
    ],
)
async def test_the_wait_that_the_server_asks_for_is_kept(
    server: FakeOpenAiServer,
    model: OpenAiCompatibleChatModel,
    headers: tuple[tuple[str, str], ...],
) -> None:
    server.script.extend([refusal(429, {}, *headers), GOOD])
    began = time.perf_counter()
    await answered(model)
    assert 0.49 < time.perf_counter() - began < 1.5


async def test_a_wait_beyond_our_patience_is_an_answer_at_once(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel
) -> None:
    server.script.extend([refusal(429, {}, ("Retry-After", "3600")), GOOD])
    with pytest.raises(Unavailable, match="busy"):
        await answered(model)
    assert len(server.requests) == 1


TOO_LONG = [
    {"error": {"code": "context_length_exceeded", "message": "maximum context length is 10"}},
    {"object": "error", "message": "This model's maximum context length is 10 tokens. However"},
    {"error": {"type": "exceed_context_size_error", "message": "too big", "n_ctx": 10}},
]


@pytest.mark.parametrize("error", TOO_LONG)
async def test_a_prompt_too_long_is_known_in_every_dialect(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel, error: object
) -> None:
    server.script.append(refusal(400, error))
    with pytest.raises(InvalidInput) as refused:
        await answered(model)
    assert (refused.value.reason, refused.value.field) == ("PROMPT_TOO_LONG", "messages")


async def test_a_schema_that_the_server_refuses_is_the_callers_mistake(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel
) -> None:
    server.script.append(refusal(400, {"error": {"message": "Invalid schema: frob"}}))
    with pytest.raises(InvalidInput, match="frob") as refused:
        await answered(model, ask(json_schema='{"type": "frob"}'))
    assert refused.value.reason == "INVALID_JSON_SCHEMA"


@pytest.mark.parametrize(
    ("status", "says"), [(401, "API key"), (403, "API key"), (404, "no model 'm'"), (500, "500")]
)
async def test_refusals_say_what_is_wrong_and_never_the_key(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel, status: int, says: str
) -> None:
    server.script.append(refusal(status, {"error": {"message": "sorry"}}))
    with pytest.raises(Unavailable, match=says) as refused:
        await answered(model)
    assert refused.value.reason == "MODEL_UNAVAILABLE"
    assert KEY not in str(refused.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "parts",
    [
        (delta("Hello"), event({"error": {"message": "out of memory"}})),
        (delta("Hello"), b'event: error\ndata: {"error": "out of memory"}\n\n'),
        (delta("Hello"), event({"object": "error", "message": "out of memory"})),
    ],
)
async def test_an_error_within_the_stream_ends_it(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel, parts: tuple[bytes, ...]
) -> None:
    server.script.append(Reply(parts=parts))
    stream = model.stream(ask())
    assert await anext(stream) == TextDelta(text="Hello")
    with pytest.raises(Unavailable, match="out of memory"):
        await anext(stream)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(parts=(delta("Hello"),), then="cut"),
        Reply(parts=(delta("Hello"),), then="end"),
        Reply(parts=(delta("Hello"), event("{not json"))),
        Reply(parts=(delta("Hello"),), then="hang"),
    ],
)
async def test_a_stream_that_breaks_after_its_first_token_is_not_repeated(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel, reply: Reply
) -> None:
    server.script.append(reply)
    stream = model.stream(ask())
    assert await anext(stream) == TextDelta(text="Hello")
    with pytest.raises(Unavailable) as broken:
        await anext(stream)
    assert broken.value.reason == "MODEL_UNAVAILABLE"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(then="hang"),
        Reply(parts=(b": still here\n\n",) * 50, pause=0.05, then="hang"),
    ],
)
async def test_a_server_that_never_begins_is_given_up(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel, reply: Reply
) -> None:
    server.script.append(reply)
    began = time.perf_counter()
    with pytest.raises(Unavailable):
        await answered(model)
    assert time.perf_counter() - began < 1.0


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    model = OpenAiCompatibleChatModel("http://127.0.0.1:9/v1", "m", deadlines=IMPATIENT)
    with pytest.raises(Unavailable, match="127"):
        await answered(model)
    await model.close()


async def test_the_server_sees_a_consumer_that_leaves(
    server: FakeOpenAiServer, model: OpenAiCompatibleChatModel
) -> None:
    server.script.append(Reply(parts=(delta("word"),) * 500, pause=0.02))
    stream = model.stream(ask())
    await anext(stream)
    await stream.aclose()
    async with asyncio.timeout(0.5):
        while server.broken_off == 0:  # noqa: ASYNC110  # the server lives in another thread
            await asyncio.sleep(0.01)
    assert server.pieces_sent < 10


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:11434/", "http://localhost:11434/v1"),
        ("http://localhost:8000/v1/", "http://localhost:8000/v1"),
        ("https://example.org/api/openai", "https://example.org/api/openai"),
    ],
)
async def test_the_address_is_completed_where_it_has_no_path(given: str, used: str) -> None:
    model = OpenAiCompatibleChatModel(given, "m")
    assert model._server.base_url == used
    await model.close()


@pytest.mark.parametrize(
    "wrong",
    ["localhost:11434", "ftp://localhost", "", "http://me:secret@localhost", "http://h?a=b"],
)
def test_an_address_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="address"):
        OpenAiCompatibleChatModel(wrong, "m")
