"""What is particular to the text embeddings of Vertex AI."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from google.cloud.aiplatform_v1.types import PredictRequest

from adapters.vertex.channel import open_channel
from adapters.vertex.embeddings import VertexEmbedder
from adapters.vertex.place import VertexPlace
from domain.retrieval.vector import EmbedderUnavailable, TextTooLong
from fixtures.vertex_server import Failure, FakeVertex, serving_vertex

BUSY = Failure(code=grpc.StatusCode.RESOURCE_EXHAUSTED, details="quota")


@pytest.fixture
async def server() -> AsyncIterator[FakeVertex]:
    async with serving_vertex() as fake:
        yield fake


@asynccontextmanager
async def connected(
    server: FakeVertex, *, batch: int = 1, at_once: int = 8, seconds: float = 5.0
) -> AsyncIterator[VertexEmbedder]:
    place = VertexPlace.parse(server.url)
    channel = await open_channel(place, "aiplatform")
    embedder = VertexEmbedder(
        channel,
        place,
        "text-model",
        dimensions=64,
        batch=batch,
        at_once=at_once,
        seconds=seconds,
        max_tokens=20_000,
    )
    yield embedder
    await embedder.close()


def instances(server: FakeVertex) -> list[list[tuple[str, str]]]:
    """Of each request: text and task type."""
    found = []
    for request in server.asked:
        assert isinstance(request, PredictRequest)
        rows = [one.struct_value for one in PredictRequest.pb(request).instances]
        found.append([(str(row["content"]), str(row["task_type"])) for row in rows])
    return found


async def test_a_question_and_a_passage_have_each_their_task(server: FakeVertex) -> None:
    async with connected(server) as embedder:
        await embedder.embed_query("a question")
        await embedder.embed_documents(["a passage"])
    assert instances(server) == [
        [("a question", "RETRIEVAL_QUERY")],
        [("a passage", "RETRIEVAL_DOCUMENT")],
    ]


async def test_the_service_is_told_to_cut_nothing_and_whom_to_ask(server: FakeVertex) -> None:
    async with connected(server) as embedder:
        await embedder.embed_query("a question")
    (request,) = server.asked
    assert isinstance(request, PredictRequest)
    parameters = PredictRequest.pb(request).parameters.struct_value
    assert (parameters["autoTruncate"], parameters["outputDimensionality"]) == (False, 64)
    assert request.endpoint.endswith("/locations/europe-west4/publishers/google/models/text-model")
    assert "europe-west4" in str(server.headers["x-goog-request-params"])


async def test_one_text_a_request_and_so_many_requests_at_once(server: FakeVertex) -> None:
    server.pause = 0.02
    async with connected(server, at_once=3) as embedder:
        await embedder.embed_documents([f"text {number}" for number in range(12)])
    assert [len(one) for one in instances(server)] == [1] * 12
    assert server.most_at_once == 3


async def test_a_model_that_takes_several_texts_gets_several(server: FakeVertex) -> None:
    async with connected(server, batch=5) as embedder:
        vectors = await embedder.embed_documents([f"text {number}" for number in range(12)])
    assert sorted(len(one) for one in instances(server)) == [2, 5, 5]
    assert len(vectors) == 12


async def test_a_question_does_not_wait_behind_passages(server: FakeVertex) -> None:
    server.pause = 0.1
    async with connected(server, at_once=1) as embedder:
        passages = asyncio.create_task(embedder.embed_documents(["text"] * 10))
        await asyncio.sleep(0.05)
        await asyncio.wait_for(embedder.embed_query("a question"), 0.5)
        assert not passages.done()
        passages.cancel()


@pytest.mark.parametrize("failure", [BUSY, Failure()])
async def test_a_service_that_is_busy_or_away_is_asked_again(
    server: FakeVertex, failure: Failure
) -> None:
    server.script.extend([failure, failure])
    async with connected(server) as embedder:
        assert len(await embedder.embed_query("a question")) == 64
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (Failure(code=grpc.StatusCode.NOT_FOUND), "no model text-model"),
        (Failure(code=grpc.StatusCode.PERMISSION_DENIED, details="role"), "credentials: .*role"),
        (Failure(code=grpc.StatusCode.INTERNAL, details="boom"), "does not answer: .*boom"),
        (Failure(code=grpc.StatusCode.INVALID_ARGUMENT, details="bad field"), "bad field"),
    ],
)
async def test_any_other_failure_is_told_at_once(
    server: FakeVertex, failure: Failure, says: str
) -> None:
    server.script.append(failure)
    async with connected(server) as embedder:
        with pytest.raises(EmbedderUnavailable, match=says):
            await embedder.embed_query("a question")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("failures", "says"), [([BUSY] * 50, "quota"), ([Failure(hangs=True)], "within 0.4 s")]
)
async def test_patience_has_an_end(server: FakeVertex, failures: list[Failure], says: str) -> None:
    server.script.extend(failures)
    began = time.perf_counter()
    async with connected(server, seconds=0.4) as embedder:
        with pytest.raises(EmbedderUnavailable, match=says):
            await embedder.embed_query("a question")
    assert time.perf_counter() - began < 3


async def test_a_text_that_the_service_finds_too_long_is_called_so(server: FakeVertex) -> None:
    async with connected(server) as embedder:
        with pytest.raises(TextTooLong, match="token count"):
            await embedder.embed_documents(["a " * 3_500])


async def test_a_text_that_was_cut_all_the_same_has_no_vector(server: FakeVertex) -> None:
    server.truncates = True
    async with connected(server) as embedder:
        with pytest.raises(TextTooLong, match="beginning"):
            await embedder.embed_documents(["a text"])


async def test_vectors_of_another_length_are_refused(server: FakeVertex) -> None:
    server.dimensions = 32
    async with connected(server) as embedder:
        with pytest.raises(EmbedderUnavailable, match="32 dimensions, not the 64"):
            await embedder.embed_query("a question")


async def test_closing_ends_what_runs_and_is_not_taken_for_a_cancelled_task(
    server: FakeVertex,
) -> None:
    server.script.append(Failure(hangs=True))
    async with connected(server) as embedder:
        asking = asyncio.create_task(embedder.embed_query("a question"))
        await server.began.wait()
        await embedder.close()
        with pytest.raises(EmbedderUnavailable, match="closed"):
            await asking


async def test_a_cancelled_question_is_cancelled_at_the_service(server: FakeVertex) -> None:
    server.script.append(Failure(hangs=True))
    async with connected(server) as embedder:
        asking = asyncio.create_task(embedder.embed_query("a question"))
        await server.began.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(server.ended.wait(), 0.5)
