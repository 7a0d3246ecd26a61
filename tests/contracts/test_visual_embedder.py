"""What every embedder of pictures keeps to, whichever it is."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest

from adapters.local.embeddings import MiniLmEmbedder
from adapters.local.pictures import EfficientNetEmbedder
from adapters.local.weights import packaged_embedding_model, packaged_picture_model
from adapters.memory.colour_embedder import ColourEmbedder
from adapters.vertex.opening import open_visual_embedder
from adapters.vertex.place import VertexPlace
from application.ports.visual_embedder import VisualEmbedder
from domain.errors import InvalidInput
from domain.retrieval.pictures import PictureQuery
from domain.retrieval.vector import Vector
from fixtures.photos import CAT, COFFEE, ROCKET, plain, retouched
from fixtures.vertex_server import serving_vertex


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """`pictures` by words that ask for them; `unrelated` asks for none of them."""

    embedder: VisualEmbedder
    pictures: dict[str, bytes]
    unrelated: str


@pytest.fixture(scope="module")
async def efficientnet() -> AsyncIterator[Subject]:
    texts = MiniLmEmbedder(packaged_embedding_model())
    embedder = EfficientNetEmbedder(packaged_picture_model(), texts)
    yield Subject(
        embedder=embedder,
        pictures={"a sleepy cat": CAT, "a cup of espresso": COFFEE, "rocket launch": ROCKET},
        unrelated="refund policy for enterprise customers",
    )
    await embedder.close()
    await texts.close()


@pytest.fixture
def colours() -> Subject:
    pictures = {colour: plain(colour) for colour in ("red", "green", "blue")}
    return Subject(embedder=ColourEmbedder(), pictures=pictures, unrelated="yellow")


@pytest.fixture(scope="module")
async def vertex() -> AsyncIterator[Subject]:
    async with serving_vertex() as server:
        embedder = await open_visual_embedder(
            VertexPlace.parse(server.url),
            "any",
            dimensions=9,
            text_prefix="",
            text_floor=0.05,
            picture_floor=0.75,
        )
        pictures = {colour: retouched(plain(colour)) for colour in ("red", "green", "blue")}
        yield Subject(embedder=embedder, pictures=pictures, unrelated="yellow")
        await embedder.close()


@pytest.fixture(params=["efficientnet", "colours", "vertex"])
def subject(request: pytest.FixtureRequest) -> Subject:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Subject)
    return found


def likeness(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def found(query: PictureQuery, vectors: Sequence[Vector]) -> list[int]:
    """Places of those that a search finds, best first."""
    scores = {place: likeness(query.vector, vector) for place, vector in enumerate(vectors)}
    over = [place for place, score in scores.items() if score >= query.floor]
    return sorted(over, key=lambda place: -scores[place])


async def test_vectors_are_single_precision_and_of_unit_length(subject: Subject) -> None:
    for vector in await subject.embedder.embed_pictures(list(subject.pictures.values())):
        assert (vector.typecode, len(vector)) == ("f", subject.embedder.model.dimensions)
        assert likeness(vector, vector) == pytest.approx(1.0, abs=1e-4)


async def test_words_find_the_picture_that_shows_it(subject: Subject) -> None:
    vectors = await subject.embedder.embed_pictures(list(subject.pictures.values()))
    for place, words in enumerate(subject.pictures):
        query = await subject.embedder.embed_query(words)
        assert len(query.vector) == subject.embedder.model.dimensions
        assert found(query, vectors)[0] == place


async def test_words_that_no_picture_shows_find_none(subject: Subject) -> None:
    vectors = await subject.embedder.embed_pictures(list(subject.pictures.values()))
    assert found(await subject.embedder.embed_query(subject.unrelated), vectors) == []


async def test_a_picture_finds_itself_after_it_was_made_smaller(subject: Subject) -> None:
    vectors = await subject.embedder.embed_pictures(list(subject.pictures.values()))
    for place, picture in enumerate(subject.pictures.values()):
        query = await subject.embedder.embed_picture_query(retouched(picture))
        assert found(query, vectors) == [place]


async def test_pictures_come_in_their_order(subject: Subject) -> None:
    pictures = list(subject.pictures.values())
    together = await subject.embedder.embed_pictures(pictures)
    for picture, vector in zip(pictures, together, strict=True):
        (alone,) = await subject.embedder.embed_pictures([picture])
        assert likeness(alone, vector) == pytest.approx(1.0, abs=1e-4)


async def test_nothing_to_embed_is_no_error(subject: Subject) -> None:
    assert await subject.embedder.embed_pictures([]) == []


@pytest.mark.parametrize("content", [b"", b"no picture at all", CAT[:200]])
async def test_what_is_no_picture_is_refused(subject: Subject, content: bytes) -> None:
    for attempt in (
        subject.embedder.embed_pictures([content]),
        subject.embedder.embed_picture_query(content),
    ):
        with pytest.raises(InvalidInput) as refused:
            await attempt
        assert refused.value.reason == "PICTURE_UNREADABLE"


async def test_the_event_loop_stays_free_meanwhile(subject: Subject) -> None:
    pictures = list(subject.pictures.values()) * 4
    work = asyncio.ensure_future(subject.embedder.embed_pictures(pictures))
    longest = 0.0
    while not work.done():
        before = time.perf_counter()
        await asyncio.sleep(0.002)
        longest = max(longest, time.perf_counter() - before - 0.002)
    assert len(await work) == len(pictures)
    assert longest < 0.1
