"""What is particular to Gemini: how it is asked, what its answers mean, and who stops it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import grpc
import pytest
from google.cloud.aiplatform_v1.types import Candidate, GenerateContentResponse, GenerationConfig
from google.protobuf import json_format

from adapters.vertex.channel import open_channel
from adapters.vertex.chat import VertexChatModel
from adapters.vertex.place import VertexPlace
from domain.agents.chat import (
    ChatFinished,
    ChatMessage,
    ChatRequest,
    FinishReason,
    JsonSchemaRefused,
    ModelUnavailable,
    PromptTooLong,
    Role,
    TextDelta,
)
from domain.errors import InvalidInput
from fixtures.vertex_chat_server import FakeGemini, Reply, piece, refusal, serving_gemini

REASON = Candidate.FinishReason
LEVEL = GenerationConfig.ThinkingConfig.ThinkingLevel
SYSTEM, USER, ASSISTANT = Role.SYSTEM, Role.USER, Role.ASSISTANT
END = piece(" you", finish=REASON.STOP, prompt=7, written=2)
GOOD = Reply(pieces=(piece("Hello"), END))
BUSY = Reply(code=grpc.StatusCode.RESOURCE_EXHAUSTED, details="quota exceeded")
AWAY = Reply(code=grpc.StatusCode.UNAVAILABLE, details="try again")
Connect = Callable[..., Awaitable[VertexChatModel]]


@pytest.fixture
async def server() -> AsyncIterator[FakeGemini]:
    async with serving_gemini(FakeGemini()) as fake:
        yield fake


@pytest.fixture
async def connect(server: FakeGemini) -> AsyncIterator[Connect]:
    opened: list[VertexChatModel] = []

    async def connected(*, first: float = 60.0, idle: float = 30.0) -> VertexChatModel:
        place = VertexPlace.parse(server.url)
        made = VertexChatModel(
            await open_channel(place, "aiplatform"),
            place,
            "gemini-any",
            context_tokens=10,
            first_seconds=first,
            idle_seconds=idle,
        )
        opened.append(made)
        return made

    yield connected
    for model in opened:
        await model.close()


@pytest.fixture
async def model(connect: Connect) -> VertexChatModel:
    return await connect()


def ask(*said: tuple[Role, str], json_schema: str | None = None, seed: int = 11) -> ChatRequest:
    return ChatRequest(
        messages=tuple(ChatMessage(role=role, content=text) for role, text in said or HELLO),
        temperature=0.5,
        max_tokens=20,
        json_schema=json_schema,
        seed=seed,
    )


HELLO = ((SYSTEM, "Be short."), (USER, "Hi"))


async def answered(
    model: VertexChatModel, request: ChatRequest | None = None
) -> tuple[list[str], ChatFinished]:
    *deltas, last = [chunk async for chunk in model.stream(request or ask())]
    assert isinstance(last, ChatFinished)
    return [delta.text for delta in deltas if isinstance(delta, TextDelta)], last


async def gone(server: FakeGemini, *, callers: int = 1) -> float:
    """Seconds until the server has seen them leave."""
    return await server.until(lambda: server.left == callers)


async def test_the_request_is_as_google_wants_it(
    server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.append(GOOD)
    assert await answered(model, ask((SYSTEM, "Be short."), (USER, "Hi\ud83e"))) == (
        ["Hello", " you"],
        ChatFinished(reason=FinishReason.STOP, prompt_tokens=7, completion_tokens=2),
    )
    (sent,) = server.asked
    resource = "projects/project/locations/europe-west4/publishers/google/models/gemini-any"
    assert server.headers["x-goog-request-params"] == f"model={resource}"
    assert json_format.MessageToDict(type(sent).pb(sent)) == {
        "model": resource,
        "systemInstruction": {"parts": [{"text": "Be short."}]},
        "contents": [{"role": "user", "parts": [{"text": "Hi?"}]}],
        "generationConfig": {
            "temperature": 0.5,
            "maxOutputTokens": 20,
            "seed": 11,
            "thinkingConfig": {"thinkingLevel": "MINIMAL"},
        },
    }


async def test_roles_take_turns_and_no_message_without_words_is_sent(
    server: FakeGemini, model: VertexChatModel
) -> None:
    said = (
        (SYSTEM, "Be short."),
        (USER, "One"),
        (ASSISTANT, " \n"),
        (USER, "Two"),
        (SYSTEM, ""),
        (ASSISTANT, "Three"),
        (SYSTEM, "Be kind."),
        (USER, "Four"),
    )
    await answered(model, ask(*said))
    (sent,) = server.asked
    assert [(turn.role, [part.text for part in turn.parts]) for turn in sent.contents] == [
        ("user", ["One\n\nTwo"]),
        ("model", ["Three"]),
        ("user", ["Four"]),
    ]
    assert [part.text for part in sent.system_instruction.parts] == ["Be short.", "Be kind."]


@pytest.mark.parametrize("said", [(SYSTEM, "Be short."), (USER, " ")])
async def test_a_prompt_without_a_users_words_is_refused_before_it_is_sent(
    said: tuple[Role, str], server: FakeGemini, model: VertexChatModel
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await answered(model, ask(said))
    assert (refused.value.field, server.asked) == ("messages", [])


@pytest.mark.parametrize("seed", [-1, 2**31, 2**80])
async def test_a_seed_of_any_size_is_sent(
    seed: int, server: FakeGemini, model: VertexChatModel
) -> None:
    await answered(model, ask(seed=seed))
    assert 0 <= server.asked[0].generation_config.seed < 2**31


async def test_a_schema_is_sent_as_json_schema(server: FakeGemini, model: VertexChatModel) -> None:
    texts, _ = await answered(model, ask(json_schema='{"enum": ["a"], "maxItems": 2}'))
    assert "".join(texts) == '"a"'
    config = GenerationConfig.pb(server.asked[0].generation_config)
    assert config.response_mime_type == "application/json"
    assert json_format.MessageToDict(config.response_json_schema) == {"enum": ["a"], "maxItems": 2}


@pytest.mark.parametrize("number", ["9" * 400, '"\\ud800"', '{"a":' * 300 + "1" + "}" * 300])
async def test_a_schema_that_cannot_be_sent_is_refused(
    number: str, server: FakeGemini, model: VertexChatModel
) -> None:
    with pytest.raises(JsonSchemaRefused):
        await answered(model, ask(json_schema=f'{{"minimum": {number}}}'))
    assert server.asked == []


async def test_thoughts_are_counted_and_never_shown(
    server: FakeGemini, model: VertexChatModel
) -> None:
    thinking = piece("thought: hm", "Hel", "thought: ha", "lo")
    end = piece(finish=REASON.STOP, prompt=7, written=2, thoughts=30)
    server.script.append(Reply(pieces=(piece("thought: well"), thinking, end)))
    texts, last = await answered(model)
    assert (texts, last.completion_tokens) == (["Hello"], 32)


async def test_a_model_that_must_think_is_given_room_for_it_and_asked_so_from_then_on(
    server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.extend(
        [refusal("Thinking level MINIMAL is not supported for this model."), GOOD, GOOD]
    )
    assert (await answered(model))[0] == ["Hello", " you"]
    await answered(model)
    configs = [sent.generation_config for sent in server.asked]
    levels = [config.thinking_config.thinking_level for config in configs]
    assert levels == [LEVEL.MINIMAL, LEVEL.LOW, LEVEL.LOW]
    assert [config.max_output_tokens for config in configs] == [20, 1044, 1044]


async def test_a_model_that_can_neither_think_nor_be_told_a_temperature_still_answers(
    server: FakeGemini, model: VertexChatModel
) -> None:
    server.levels, server.takes_sampling = frozenset(), False
    await answered(model)
    await answered(model)
    *_, learned, again = (sent.generation_config for sent in server.asked)
    assert learned == again == GenerationConfig(max_output_tokens=20)


REFUSED = [
    REASON.SAFETY,
    REASON.RECITATION,
    REASON.BLOCKLIST,
    REASON.PROHIBITED_CONTENT,
    REASON.SPII,
    REASON.MODEL_ARMOR,
]


@pytest.mark.parametrize("reason", REFUSED, ids=lambda reason: reason.name)
async def test_an_answer_that_google_forbids_is_a_refused_one(
    reason: int, server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.append(Reply(pieces=(piece("Well"), piece(finish=reason))))
    texts, last = await answered(model)
    assert (texts, last.reason) == (["Well"], FinishReason.REFUSED)


async def test_a_prompt_that_google_forbids_is_a_refused_answer(
    server: FakeGemini, model: VertexChatModel
) -> None:
    blocked = GenerateContentResponse(
        prompt_feedback={"block_reason": "PROHIBITED_CONTENT"},
        usage_metadata={"prompt_token_count": 9},
    )
    server.script.append(Reply(pieces=(blocked,)))
    assert await answered(model) == (
        [],
        ChatFinished(reason=FinishReason.REFUSED, prompt_tokens=9, completion_tokens=0),
    )


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        (REASON.MALFORMED_FUNCTION_CALL, "MALFORMED_FUNCTION_CALL"),
        (REASON.OTHER, "OTHER"),
        (77, "77"),
    ],
)
async def test_a_model_that_stops_for_no_good_reason_is_unavailable(
    reason: int, name: str, server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.append(Reply(pieces=(piece("Well", finish=reason),)))
    with pytest.raises(ModelUnavailable, match=name):
        await answered(model)


async def test_an_answer_whose_end_never_came_is_no_answer(
    server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.extend([Reply(pieces=(piece("Hello"),)), Reply()])
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="broke off"):
            await answered(model)


async def test_counts_are_estimated_where_the_service_gives_none(
    server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.append(Reply(pieces=(piece("Hello you", finish=REASON.STOP),)))
    _, last = await answered(model)
    assert (last.prompt_tokens, last.completion_tokens) == (3, 3)


async def test_a_busy_service_is_asked_again_until_something_comes(
    server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.extend([BUSY, AWAY, GOOD])
    assert (await answered(model))[0] == ["Hello", " you"]
    assert len(server.asked) == 3


async def test_what_has_begun_is_never_asked_for_twice(
    server: FakeGemini, model: VertexChatModel
) -> None:
    broken = Reply(pieces=(piece("Hello"),), code=grpc.StatusCode.UNAVAILABLE, details="gone")
    server.script.append(broken)
    with pytest.raises(ModelUnavailable, match="gone"):
        await answered(model)
    assert len(server.asked) == 1


async def test_a_used_up_quota_is_told_as_such(server: FakeGemini, connect: Connect) -> None:
    server.script.extend([BUSY] * 50)
    with pytest.raises(ModelUnavailable, match="quota"):
        await answered(await connect(first=0.3))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (grpc.StatusCode.NOT_FOUND, "no model gemini-any"),
        (grpc.StatusCode.PERMISSION_DENIED, "refuses our credentials"),
        (grpc.StatusCode.INTERNAL, "does not answer"),
    ],
)
async def test_a_failure_is_told_in_plain_words_at_once(
    code: grpc.StatusCode, words: str, server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.append(Reply(code=code, details="no"))
    with pytest.raises(ModelUnavailable, match=words):
        await answered(model)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "words",
    [
        "The input token count (25270) exceeds the maximum number of tokens allowed (4000).",
        "The input token count is 25270 but model only supports up to 4000.",
    ],
)
async def test_a_prompt_over_the_context_names_both_numbers(
    words: str, server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.append(refusal(words))
    with pytest.raises(PromptTooLong) as refused:
        await answered(model)
    assert refused.value.metadata == {"prompt_tokens": "25270", "context_tokens": "4000"}


async def test_a_long_prompt_that_may_fit_is_left_to_the_service(
    server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.append(GOOD)
    assert (await answered(model, ask((USER, "🦊" * 40))))[0] == ["Hello", " you"]


async def test_a_schema_that_the_service_refuses_is_the_callers_matter(
    server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.append(
        refusal("The specified schema produces a constraint that has too many states for serving.")
    )
    with pytest.raises(JsonSchemaRefused, match="too many states"):
        await answered(model, ask(json_schema='{"type": "object"}'))


async def test_any_other_refused_argument_is_ours(
    server: FakeGemini, model: VertexChatModel
) -> None:
    words = "it has a maxOutputTokens value of 100000 but the supported range is 1 to 65537"
    server.script.append(refusal(words))
    with pytest.raises(ModelUnavailable, match="supported range"):
        await answered(model)


async def test_a_model_that_does_not_begin_is_left_after_its_time(
    server: FakeGemini, connect: Connect
) -> None:
    server.script.append(Reply(hangs=True))
    with pytest.raises(ModelUnavailable, match="did not answer within"):
        await answered(await connect(first=0.5))
    assert await gone(server) < 0.5


async def test_a_model_that_falls_silent_is_left_after_its_time(
    server: FakeGemini, connect: Connect
) -> None:
    server.script.append(Reply(pieces=(piece("Hello"),), hangs=True))
    stream = (await connect(idle=0.2)).stream(ask())
    assert await anext(stream) == TextDelta(text="Hello")
    with pytest.raises(ModelUnavailable, match="silent"):
        await anext(stream)
    assert await gone(server) < 0.5


async def test_a_piece_is_shown_before_the_next_is_written(
    server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.append(Reply(pieces=(piece("Hello"), END), pause=0.1))
    sent_before = [server.pieces_sent async for _ in model.stream(ask())]
    assert sent_before[0] < 2 <= sent_before[-1]


@pytest.mark.parametrize("pieces", [(), (piece("Hello"),)], ids=["silent", "writing"])
async def test_a_cancelled_consumer_ends_the_call_at_the_service(
    pieces: tuple[GenerateContentResponse, ...], server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.append(Reply(pieces=pieces, hangs=True))
    consumer = asyncio.create_task(answered(model))
    await server.until(lambda: len(server.asked) == 1 and server.pieces_sent == len(pieces))
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    assert await gone(server) < 0.5


async def test_no_moment_of_being_cancelled_leaves_a_call_behind(
    server: FakeGemini, model: VertexChatModel
) -> None:
    for nth in range(40):
        server.script.append(Reply(pieces=(piece("Hello"),), hangs=True))
        consumer = asyncio.create_task(answered(model))
        await server.until(lambda: not server.script)
        for _ in range(nth % 8):
            await asyncio.sleep(0)
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
    await gone(server, callers=40)


async def test_a_closed_generator_ends_the_call_at_the_service(
    server: FakeGemini, model: VertexChatModel
) -> None:
    server.script.append(Reply(pieces=(piece("Hello"),), hangs=True))
    async with aclosing(model.stream(ask())) as stream:
        await anext(stream)
    assert await gone(server) < 0.5


async def test_closing_the_model_ends_what_runs(server: FakeGemini, model: VertexChatModel) -> None:
    server.script.extend([Reply(hangs=True), Reply(pieces=(piece("Hello"),), hangs=True)])
    running = [asyncio.create_task(answered(model)) for _ in range(2)]
    await server.until(lambda: server.pieces_sent == 1 and len(server.asked) == 2)
    await model.close()
    for task in running:
        with pytest.raises(ModelUnavailable, match="closed"):
            await task
    assert await gone(server, callers=2) < 0.5


async def test_warming_asks_for_nothing_that_is_billed(
    server: FakeGemini, model: VertexChatModel
) -> None:
    assert await model.warm(ask().messages)
    assert server.asked == []
    await model.close()
    assert not await model.warm(ask().messages)
