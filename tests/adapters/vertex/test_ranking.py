"""What is particular to the ranking API of Vertex AI."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from google.cloud.discoveryengine_v1.types import RankRequest

from adapters.vertex.opening import open_reranker
from adapters.vertex.place import VertexPlace
from adapters.vertex.ranking import RankerUnavailable, VertexReranker
from domain.documents.document import Collection
from domain.identifiers import ChunkId, DocumentId
from domain.retrieval.passage import Passage
from fixtures.vertex_server import Failure, FakeVertex, serving_vertex


@pytest.fixture
async def server() -> AsyncIterator[FakeVertex]:
    async with serving_vertex() as fake:
        yield fake


@pytest.fixture
async def ranker(server: FakeVertex) -> AsyncIterator[VertexReranker]:
    opened = await open_reranker(VertexPlace.parse(server.url), "ranker")
    yield opened
    await opened.close()


def passage(number: int, text: str) -> Passage:
    return Passage(
        chunk_id=ChunkId(UUID(int=number + 1)),
        document_id=DocumentId(UUID(int=1)),
        title="Guide",
        filename="guide.md",
        collection=Collection.GENERAL,
        section_path=("Prices",),
        page=None,
        text=text,
    )


async def test_the_passage_that_answers_comes_first(
    server: FakeVertex, ranker: VertexReranker
) -> None:
    texts = ("boat trips on friday", "smoked herring costs five", "", "herring swims")
    scores = await ranker.score("smoked herring", [passage(n, t) for n, t in enumerate(texts)])
    assert scores == pytest.approx((0.0, 1.0, 0.0, 0.5))
    (request,) = server.asked
    assert isinstance(request, RankRequest)
    assert request.model == "ranker"
    assert request.ranking_config == (
        "projects/project/locations/europe-west4/rankingConfigs/default_ranking_config"
    )
    assert [record.title for record in request.records] == ["Guide > Prices"] * 3


async def test_more_than_one_request_may_hold_are_ranked_by_several(
    server: FakeVertex, ranker: VertexReranker
) -> None:
    passages = [passage(number, f"herring {number}") for number in range(450)]
    scores = await ranker.score("herring 449", passages)
    assert (len(scores), scores[449], scores[0]) == (450, 1.0, 0.5)
    assert len(server.asked) == 3


async def test_one_that_does_not_answer_is_called_unavailable(
    server: FakeVertex, ranker: VertexReranker
) -> None:
    server.script.append(Failure(hangs=True))
    with pytest.raises(RankerUnavailable) as refused:
        await ranker.score("herring", [passage(0, "herring")])
    assert refused.value.reason == "RERANKER_UNAVAILABLE"
