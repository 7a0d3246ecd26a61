"""What every embedder keeps to, whichever it is."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from adapters.local.embeddings import MiniLmEmbedder
from adapters.local.weights import packaged_embedding_model
from adapters.openai_compatible.embeddings import OpenAiCompatibleEmbedder
from adapters.vertex.channel import open_channel
from adapters.vertex.embeddings import VertexEmbedder
from adapters.vertex.place import VertexPlace
from application.ports.embedder import Embedder
from domain.errors import InvalidInput, Unavailable
from domain.retrieval.vector import Vector
from fixtures.openai_server import FakeOpenAiServer
from fixtures.vertex_server import serving_vertex

MAILING = "The newsletter goes out every Friday morning to our customers."
PARAPHRASE = "Every Friday our customers get the newsletter."
UNRELATED = "A grey cat sleeps on that old sofa."


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    embedder: Embedder
    closed_embedder: Callable[[], Awaitable[Embedder]]


@pytest.fixture(scope="module")
async def minilm() -> AsyncIterator[Subject]:
    async def closed() -> Embedder:
        other = MiniLmEmbedder(packaged_embedding_model())
        await other.close()
        return other

    embedder = MiniLmEmbedder(packaged_embedding_model())
    await embedder.start()
    yield Subject(embedder=embedder, closed_embedder=closed)
    await embedder.close()


@pytest.fixture(scope="module")
async def openai_compatible() -> AsyncIterator[Subject]:
    server = FakeOpenAiServer()
    server.start()

    def connect() -> OpenAiCompatibleEmbedder:
        return OpenAiCompatibleEmbedder(server.base_url, "any", dimensions=384, batch=8)

    async def closed() -> Embedder:
        other = connect()
        await other.close()
        return other

    embedder = connect()
    yield Subject(embedder=embedder, closed_embedder=closed)
    await embedder.close()
    server.stop()


@pytest.fixture(scope="module")
async def vertex() -> AsyncIterator[Subject]:
    async with serving_vertex() as server:
        place = VertexPlace.parse(server.url)

        async def connect() -> VertexEmbedder:
            channel = await open_channel(place, "aiplatform")
            return VertexEmbedder(channel, place, "any", dimensions=384, max_tokens=512)

        async def closed() -> Embedder:
            other = await connect()
            await other.close()
            return other

        embedder = await connect()
        yield Subject(embedder=embedder, closed_embedder=closed)
        await embedder.close()


@pytest.fixture(params=["minilm", "openai_compatible", "vertex"])
def subject(request: pytest.FixtureRequest) -> Subject:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Subject)
    return found


def similarity(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_vectors_are_single_precision_and_of_unit_length(subject: Subject) -> None:
    for vector in await subject.embedder.embed_documents([MAILING, ""]):
        assert (vector.typecode, len(vector)) == ("f", subject.embedder.model.dimensions)
        assert similarity(vector, vector) == pytest.approx(1.0, abs=1e-5)


async def test_a_paraphrase_is_nearer_than_another_subject(subject: Subject) -> None:
    mailing, unrelated = await subject.embedder.embed_documents([MAILING, UNRELATED])
    asked = await subject.embedder.embed_query(PARAPHRASE)
    assert similarity(asked, mailing) > similarity(asked, unrelated) + 0.3


async def test_vectors_come_in_the_order_of_the_texts(subject: Subject) -> None:
    texts = [f"{MAILING} Issue {number}." for number in range(20)]
    together = await subject.embedder.embed_documents(texts)
    for text, vector in zip(texts[::7], together[::7], strict=True):
        (alone,) = await subject.embedder.embed_documents([text])
        assert similarity(alone, vector) == pytest.approx(1.0, abs=1e-4)


async def test_nothing_to_embed_is_no_error(subject: Subject) -> None:
    assert await subject.embedder.embed_documents([]) == []


async def test_a_text_of_the_longest_length_is_embedded_whole(subject: Subject) -> None:
    limit, letters, text = subject.embedder.model.max_tokens, "abcdefghijklmnop", "a"
    while subject.embedder.count_tokens(f"{text} x") <= limit:
        text += f" {letters[len(text) // 2 % len(letters)]}"
    one, other = await subject.embedder.embed_documents([text, f"{text[:-6]} x y z"])
    assert similarity(one, other) < 0.9999


async def test_a_text_over_the_limit_is_refused_and_named(subject: Subject) -> None:
    too_long = "many words " * subject.embedder.model.max_tokens
    with pytest.raises(InvalidInput) as refused:
        await subject.embedder.embed_documents([MAILING, too_long])
    assert (refused.value.reason, refused.value.field) == ("TEXT_TOO_LONG", "texts[1]")
    assert str(subject.embedder.model.max_tokens) in refused.value.message


async def test_a_question_over_the_limit_is_cut_at_its_end(subject: Subject) -> None:
    question = "many words " * 2 * subject.embedder.model.max_tokens
    one = await subject.embedder.embed_query(question)
    other = await subject.embedder.embed_query(f"{question} and an end that nobody reads")
    assert similarity(one, other) == pytest.approx(1.0, abs=1e-5)


async def test_many_callers_get_their_own_vectors(subject: Subject) -> None:
    texts = [f"number {number}" for number in range(12)]
    apart = [await subject.embedder.embed_query(text) for text in texts]
    at_once = await asyncio.gather(*(subject.embedder.embed_query(text) for text in texts))
    for one, other in zip(apart, at_once, strict=True):
        assert similarity(one, other) == pytest.approx(1.0, abs=1e-5)


async def test_the_event_loop_stays_free_while_documents_are_embedded(subject: Subject) -> None:
    work = asyncio.ensure_future(subject.embedder.embed_documents([f"{MAILING} " * 8] * 16))
    longest = 0.0
    while not work.done():
        before = time.perf_counter()
        await asyncio.sleep(0.005)
        longest = max(longest, time.perf_counter() - before - 0.005)
    assert len(await work) == 16
    assert longest < 0.1


async def test_half_a_character_does_no_harm(subject: Subject) -> None:
    assert len(await subject.embedder.embed_query("broken \ud83e text")) == 384


async def test_a_closed_embedder_refuses(subject: Subject) -> None:
    embedder = await subject.closed_embedder()
    with pytest.raises(Unavailable) as refused:
        await embedder.embed_query("anything")
    assert refused.value.reason == "EMBEDDER_UNAVAILABLE"
