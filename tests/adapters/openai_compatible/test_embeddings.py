"""What an embedding server may answer, and what is made of it."""

import json
import math
from collections.abc import AsyncIterator, Iterator

import pytest

from adapters.openai_compatible.embeddings import OpenAiCompatibleEmbedder
from adapters.openai_compatible.model_server import Deadlines
from domain.errors import Unavailable
from fixtures.openai_server import FakeOpenAiServer, Reply, refusal


@pytest.fixture
def server() -> Iterator[FakeOpenAiServer]:
    fake = FakeOpenAiServer()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
async def embedder(server: FakeOpenAiServer) -> AsyncIterator[OpenAiCompatibleEmbedder]:
    embedder = OpenAiCompatibleEmbedder(
        server.base_url,
        "e5",
        dimensions=384,
        batch=4,
        query_prefix="query: ",
        document_prefix="passage: ",
        deadlines=Deadlines(first_byte=0.3),
    )
    yield embedder
    await embedder.close()


def reply(answer: object) -> Reply:
    return Reply(content_type="application/json", parts=(json.dumps(answer).encode(),))


async def test_texts_go_out_in_batches_with_their_task(
    server: FakeOpenAiServer, embedder: OpenAiCompatibleEmbedder
) -> None:
    await embedder.embed_documents([f"text {number}" for number in range(10)])
    await embedder.embed_query("what?")
    inputs = [request.body["input"] for request in server.requests]
    assert [len(texts) for texts in inputs if isinstance(texts, list)] == [4, 4, 2, 1]
    assert inputs[2] == ["passage: text 8", "passage: text 9"]
    assert inputs[3] == ["query: what?"]
    assert server.requests[0].path == "/v1/embeddings"


async def test_a_request_holds_no_more_tokens_than_it_may(server: FakeOpenAiServer) -> None:
    embedder = OpenAiCompatibleEmbedder(
        server.base_url, "e5", dimensions=384, batch=100, batch_tokens=300
    )
    texts = [f"{number}" * 120 for number in range(7)] + ["7" * 500, "8"]
    assert len(await embedder.embed_documents(texts)) == len(texts)
    inputs = [request.body["input"] for request in server.requests]
    assert [text for some in inputs if isinstance(some, list) for text in some] == texts
    assert [len(some) for some in inputs if isinstance(some, list)] == [2, 2, 2, 1, 1, 1]
    await embedder.close()


async def test_the_prefix_takes_its_share_of_the_longest_text(
    embedder: OpenAiCompatibleEmbedder,
) -> None:
    assert embedder.model.max_tokens == 512 - embedder.count_tokens("passage: ")


async def test_a_busy_server_is_asked_once_more(
    server: FakeOpenAiServer, embedder: OpenAiCompatibleEmbedder
) -> None:
    server.script.append(refusal(503, {}))
    assert len(await embedder.embed_query("what?")) == 384


@pytest.mark.parametrize(
    "answer",
    [
        {"data": []},
        {"error": {"message": "no"}},
        [],
        {"data": [{"index": 0, "embedding": [0.1, 0.2]}]},
        {"data": [{"index": 0, "embedding": [0.0] * 384}]},
        {"data": [{"index": 0, "embedding": [math.nan] * 384}]},
        {"data": [{"index": 0, "embedding": ["a"] * 384}]},
    ],
)
async def test_an_answer_without_good_vectors_is_no_answer(
    server: FakeOpenAiServer, embedder: OpenAiCompatibleEmbedder, answer: object
) -> None:
    server.script.append(reply(answer))
    with pytest.raises(Unavailable) as refused:
        await embedder.embed_query("what?")
    assert refused.value.reason == "EMBEDDER_UNAVAILABLE"


async def test_other_dimensions_than_those_set_are_told(
    server: FakeOpenAiServer, embedder: OpenAiCompatibleEmbedder
) -> None:
    server.script.append(reply({"data": [{"index": 0, "embedding": [0.6, 0.8]}]}))
    with pytest.raises(Unavailable, match="gives 2 dimensions, not the 384"):
        await embedder.embed_query("what?")


@pytest.mark.parametrize("failing", [refusal(500, {}), refusal(400, {}), Reply(then="hang")])
async def test_a_failing_server_is_unavailable(
    server: FakeOpenAiServer, embedder: OpenAiCompatibleEmbedder, failing: Reply
) -> None:
    server.script.append(failing)
    with pytest.raises(Unavailable):
        await embedder.embed_query("what?")
