"""The contract of `Reranker`."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from adapters.local.lexical_reranker import LexicalReranker
from adapters.memory.even_reranker import EvenReranker
from adapters.vertex.opening import open_reranker
from adapters.vertex.place import VertexPlace
from application.ports.reranker import Reranker
from domain.documents.document import Collection
from domain.identifiers import ChunkId, DocumentId
from domain.retrieval.passage import Passage
from fixtures.vertex_server import serving_vertex

TEXTS = (
    "Every Friday the harbour offers guided boat trips.",
    "A tin of smoked herring costs 4,90 euros.",
    "Herring swims in the sea, and is not smoked there.",
    "",
    "数 🎉",
)


def _passages(*texts: str, section: tuple[str, ...] = ()) -> list[Passage]:
    return [
        Passage(
            chunk_id=ChunkId(UUID(int=number)),
            document_id=DocumentId(UUID(int=number)),
            title="Guide",
            filename="guide.md",
            collection=Collection.GENERAL,
            section_path=section,
            page=None,
            text=text,
        )
        for number, text in enumerate(texts, start=1)
    ]


@pytest.fixture
def words() -> Reranker:
    return LexicalReranker()


@pytest.fixture
def even() -> Reranker:
    return EvenReranker()


@pytest.fixture
async def vertex() -> AsyncIterator[Reranker]:
    async with serving_vertex() as server:
        ranker = await open_reranker(VertexPlace.parse(server.url), "any")
        yield ranker
        await ranker.close()


@pytest.fixture(params=["words", "even", "vertex"])
def reranker(request: pytest.FixtureRequest) -> Reranker:
    found: Reranker = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("question", ["smoked herring", "", "?", "the of and", "数" * 500])
async def test_every_passage_gets_a_score_in_their_order(reranker: Reranker, question: str) -> None:
    passages = _passages(*TEXTS)
    scores = await reranker.score(question, passages)
    assert len(scores) == len(passages)
    backwards = await reranker.score(question, passages[::-1])
    assert backwards == pytest.approx(scores[::-1])


async def test_nothing_is_scored_as_nothing(reranker: Reranker) -> None:
    assert await reranker.score("smoked herring", []) == ()


async def test_by_words_the_passage_that_says_it_comes_first() -> None:
    scores = await LexicalReranker().score("price of smoked herring", _passages(*TEXTS))
    assert max(range(len(TEXTS)), key=lambda n: scores[n]) == 1
    assert scores[0] == scores[3] == scores[4] == 0.0


async def test_by_words_a_heading_counts() -> None:
    passages = [
        *_passages("It costs 5 euros."),
        *_passages("It costs 5 euros.", section=("Smoked herring",)),
    ]
    plain, headed = await LexicalReranker().score("smoked herring", passages)
    assert headed > plain
