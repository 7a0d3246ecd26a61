"""SearchKnowledge: what people find, and why."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.memory.hash_embedder import HashEmbedder
from application.context import SpaceHeaderMissing
from application.ports.embedder import Embedder
from application.ports.knowledge_index import KnowledgeIndex
from application.retrieval.query_vectors import QueryVectors
from application.retrieval.retrieve import KnowledgeUnavailable
from application.retrieval.search import Found, Search, SearchKnowledge
from application.speculative import Speculative
from domain.documents.document import Collection
from domain.documents.media import MediaType
from domain.errors import InvalidInput, Unavailable
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.query import RankedPassage, SearchFilter
from domain.retrieval.vector import EmbeddingModel, Vector
from domain.tenancy.access import Role
from fixtures.agents import HERRING, Shop, a_shop
from fixtures.house import context_of
from fixtures.index_before import IndexBefore
from fixtures.making import new_home, new_id

ANYWHERE = SearchFilter()


class BrokenEmbedder(HashEmbedder):
    async def embed_query(self, text: str) -> Vector:
        raise Unavailable("the embedder is away")


class Overtaxed(IndexBefore):
    """Runs out of its time."""

    async def search(
        self,
        space: SpaceId,
        *,
        text: str,
        vector: Vector | None,
        model: EmbeddingModel,
        within: SearchFilter,
        limit: int,
    ) -> tuple[RankedPassage, ...]:
        raise TimeoutError


@pytest.fixture
async def shop() -> Shop:
    return await a_shop()


async def _found(
    shop: Shop,
    query: str = "smoked herring",
    *,
    within: SearchFilter = ANYWHERE,
    limit: int = 10,
    role: Role | None = Role.VIEWER,
    index: KnowledgeIndex | None = None,
    embedder: Embedder | None = None,
) -> Found:
    vectors = QueryVectors(embedder or shop.embedder, Speculative())
    search = SearchKnowledge(index=index or shop.stores.index, vectors=vectors)
    context = context_of(shop.home, role)
    return await search(context, Search(query=query, within=within, limit=limit))


def _titles(found: Found) -> list[str]:
    return [one.fused.passage.title for one in found.passages]


async def test_whoever_may_read_finds_passages_with_their_words_marked(shop: Shop) -> None:
    found = await _found(shop)
    first = found.passages[0]
    assert first.fused.passage.text == HERRING
    marked = [HERRING[start:end] for start, end in first.highlights]
    assert marked == ["smokes herring"]
    assert found.degraded == ()


async def test_a_result_says_which_stream_and_rank_brought_it(shop: Shop) -> None:
    found = await _found(shop)
    hits = {one.fused.passage.title: one.fused.hits for one in found.passages}
    ways = {(hit.stream, hit.way) for hit in hits["Products"]}
    assert ways == {("semantic", "meaning"), ("semantic", "words")}
    assert all(hit.rank in (1, 2, 3) for one in hits.values() for hit in one)
    assert {hit.stream for hit in hits["Rival"]} == {"web"}
    assert all(hits.values())


async def test_documents_that_are_named_are_the_only_ones(shop: Shop) -> None:
    boats = shop.documents["boats.md"]
    found = await _found(shop, within=SearchFilter(documents=frozenset({boats})))
    assert set(_titles(found)) <= {"Boats"}
    everywhere = await _found(shop, "boat trips", within=SearchFilter(documents=frozenset({boats})))
    assert _titles(everywhere) == ["Boats"]
    assert {hit.stream for hit in everywhere.passages[0].fused.hits} == {"referenced"}


@pytest.mark.parametrize(
    ("within", "titles"),
    [
        (SearchFilter(collections=frozenset({Collection.WEB})), ["Rival"]),
        (SearchFilter(media_types=frozenset({MediaType.PDF})), []),
        (SearchFilter(created_before=datetime(2000, 1, 1, tzinfo=UTC)), []),
    ],
)
async def test_only_what_fits_the_filter_is_found(
    shop: Shop, within: SearchFilter, titles: list[str]
) -> None:
    assert _titles(await _found(shop, within=within)) == titles


async def test_there_are_no_more_results_than_asked_for(shop: Shop) -> None:
    assert len((await _found(shop, limit=1)).passages) == 1


async def test_another_spaces_documents_are_as_if_they_did_not_exist(shop: Shop) -> None:
    stranger = replace(shop, home=await new_home(shop.stores.tenancy))
    boats = frozenset({shop.documents["boats.md"]})
    nothing = frozenset({DocumentId(new_id())})
    assert (await _found(stranger)).passages == ()
    assert await _found(stranger, within=SearchFilter(documents=boats)) == await _found(
        stranger, within=SearchFilter(documents=nothing)
    )


async def test_without_an_embedding_words_are_searched_and_that_is_told(shop: Shop) -> None:
    found = await _found(shop, embedder=BrokenEmbedder())
    assert "Products" in _titles(found)
    assert found.degraded == ("meaning",)
    assert {hit.way for one in found.passages for hit in one.fused.hits} == {"words"}


async def test_a_search_that_takes_too_long_is_not_called_finding_nothing(shop: Shop) -> None:
    with pytest.raises(KnowledgeUnavailable):
        await _found(shop, index=Overtaxed(shop.stores.index))


async def test_a_search_without_a_space_is_refused(shop: Shop) -> None:
    with pytest.raises(SpaceHeaderMissing):
        await _found(shop, role=None)


@pytest.mark.parametrize(
    ("query", "limit", "field"),
    [
        ("", 10, "query"),
        (" \n", 10, "query"),
        ("x" * 1_001, 10, "query"),
        ("a\x00b", 10, "query"),
        ("bags", 0, "limit"),
        ("bags", 51, "limit"),
    ],
)
def test_what_cannot_be_searched_for_is_refused_by_field(
    query: str, limit: int, field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Search(query=query, within=ANYWHERE, limit=limit)
    assert refusal.value.metadata.get("field", field) == field


def test_a_search_names_a_few_documents_only() -> None:
    many = frozenset(DocumentId(new_id()) for _ in range(21))
    with pytest.raises(InvalidInput, match="at most 20"):
        Search(query="bags", within=SearchFilter(documents=many))
