"""A space with more of the same than is read: every stream and every wave has its say."""

from collections.abc import Sequence

import pytest

from adapters.memory.clock import FixedClock
from application.retrieval.query_vectors import QueryVectors
from application.retrieval.retrieve import RetrievalRequest, Retrieve
from application.speculative import Speculative
from domain.agents.earlier import Earlier
from domain.documents.chunking import embedding_text
from domain.documents.document import Collection
from domain.identifiers import ChunkId
from domain.retrieval.enhancement import EnhancedQuery
from domain.retrieval.policy import EnhancementPolicy, RetrievalConfig
from fixtures.agents import Shop, a_shop
from fixtures.making import chunk, document, new_id, structure

CONFIG = RetrievalConfig(
    collections=frozenset({Collection.PRODUCT, Collection.GENERAL}),
    enhancement=EnhancementPolicy(budget_seconds=10.0, patience_seconds=10.0),
)
FISH = ("cod", "haddock", "plaice", "sole", "turbot", "brill", "halibut", "hake", "ling", "tench")


class Says:
    def __init__(self, texts: Sequence[str]) -> None:
        self._said = EnhancedQuery(text=texts[0], alternatives=tuple(texts[1:3]))

    async def enhance(self, question: str, earlier: Earlier) -> EnhancedQuery | None:
        return self._said


@pytest.fixture
async def shop() -> Shop:
    """Of our own a hundred passages tell of smoked herring, each in words of its own."""
    shop = await a_shop()
    for n in range(100):
        made = document(shop.home, filename=f"{n}.md")
        await shop.stores.documents.add(made)
        piece = chunk(0, f"Smoked herring with {FISH[n % 10]} and {FISH[n // 10]}, dish {n}")
        (vector,) = await shop.embedder.embed_documents([embedding_text(piece)])
        row = (ChunkId(new_id()), piece, vector)
        await shop.stores.documents.publish(made, structure(), [row], shop.embedder.model)
    return shop


async def _read(shop: Shop, question: str, enhanced: Sequence[str] = ()) -> list[str]:
    """The titles of as many passages as an agent reads."""
    speculative = Speculative()
    retrieve = Retrieve(
        index=shop.stores.index,
        vectors=QueryVectors(shop.embedder, speculative),
        settings=shop.stores.settings,
        clock=FixedClock(),
        speculative=speculative,
        enhancer=Says(enhanced) if enhanced else None,
    )
    request = RetrievalRequest(
        space=shop.home.space, question=question, documents=(), config=CONFIG
    )
    found = await retrieve(request, lambda stage: None)
    return [fused.passage.title for fused in found.passages[: CONFIG.top_k]]


async def test_a_web_page_is_read_beside_many_passages_of_our_own(shop: Shop) -> None:
    titles = await _read(shop, "smoked herring")
    assert "Rival" in titles
    assert titles[0] != "Rival"


@pytest.mark.parametrize(
    "enhanced",
    [
        ["guided boat trips on Friday"],
        ["guided boat trips on Friday", "boat trips at the harbour", "harbour boat visitors"],
    ],
)
async def test_what_only_the_enhanced_query_finds_is_read(shop: Shop, enhanced: list[str]) -> None:
    question = "smoked herring with hake"
    assert "Boats" not in await _read(shop, question)
    titles = await _read(shop, question, enhanced)
    assert "Boats" in titles
    assert titles.count("A guide") >= 4
