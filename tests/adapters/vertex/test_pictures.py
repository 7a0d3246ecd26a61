"""What is particular to the multimodal embeddings of Vertex AI."""

from collections.abc import AsyncIterator

import grpc
import pytest
from google.cloud.aiplatform_v1.types import EmbedContentRequest

from adapters.vertex.opening import open_visual_embedder
from adapters.vertex.pictures import VertexVisualEmbedder
from adapters.vertex.place import VertexPlace
from domain.retrieval.pictures import PictureUnreadable, VisualEmbedderUnavailable
from fixtures.photos import plain, retouched
from fixtures.vertex_server import Failure, FakeVertex, serving_vertex

RED = retouched(plain("red"))


@pytest.fixture
async def server() -> AsyncIterator[FakeVertex]:
    async with serving_vertex() as fake:
        yield fake


@pytest.fixture
async def embedder(server: FakeVertex) -> AsyncIterator[VertexVisualEmbedder]:
    opened = await open_visual_embedder(
        VertexPlace.parse(server.url),
        "seer",
        dimensions=9,
        text_prefix="task: search result | query: ",
        text_floor=0.05,
        picture_floor=0.75,
    )
    yield opened
    await opened.close()


def inputs(server: FakeVertex) -> list[str]:
    """The texts of all requests, and the kinds of their pictures."""
    found = []
    for request in server.asked:
        assert isinstance(request, EmbedContentRequest)
        (part,) = request.content.parts
        found.append(part.text or part.inline_data.mime_type)
    return found


async def test_one_picture_a_request_for_the_service_would_make_one_vector_of_several(
    server: FakeVertex, embedder: VertexVisualEmbedder
) -> None:
    assert len(await embedder.embed_pictures([RED, RED, RED])) == 3
    assert inputs(server) == ["image/jpeg"] * 3


async def test_what_asks_for_nothing_is_learned_once(
    server: FakeVertex, embedder: VertexVisualEmbedder
) -> None:
    for colour in ("red", "green", "blue"):
        await embedder.embed_query(colour)
    asked = inputs(server)
    assert len(asked) == 3 + 4
    assert all(text.startswith("task: search result | query: ") for text in asked)


async def test_what_asks_for_nothing_is_learned_later_when_the_service_was_away(
    server: FakeVertex, embedder: VertexVisualEmbedder
) -> None:
    server.script.extend([Failure(code=grpc.StatusCode.INTERNAL)] * 5)
    with pytest.raises(VisualEmbedderUnavailable):
        await embedder.embed_query("red")
    server.script.clear()
    query = await embedder.embed_query("red")
    (picture,) = await embedder.embed_pictures([RED])
    assert sum(a * b for a, b in zip(query.vector, picture, strict=True)) > query.floor


async def test_a_picture_that_the_service_cannot_read_is_the_caller_s(
    embedder: VertexVisualEmbedder,
) -> None:
    with pytest.raises(PictureUnreadable) as refused:
        await embedder.embed_picture_query(RED[:40])
    assert refused.value.field == "image"
