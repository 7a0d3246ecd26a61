"""How the two halves of a search come to one order in Postgres."""

from array import array

from adapters.postgres.document_store import PostgresDocumentStore
from adapters.postgres.knowledge_index import PostgresKnowledgeIndex
from adapters.postgres.pool import Pool
from domain.retrieval.query import RankedPassage, SearchFilter
from domain.retrieval.vector import Vector
from fixtures.making import MODEL, axis, document, new_home, passages, structure
from fixtures.stores import postgres_stores

BOATS = 12


def _leaning(toward: int, near: float) -> Vector:
    return array("f", [near, *(0.8 if n == toward else 0.0 for n in range(1, MODEL.dimensions))])


async def _found(pool: Pool, text: str) -> list[RankedPassage]:
    """Boats lean to the second axis, and of the others the one that is a little less near."""
    home = await new_home(postgres_stores(pool).tenancy)
    documents, made = PostgresDocumentStore(pool), document(home)
    await documents.add(made)
    texts = ["prices elsewhere", *(f"boats {n}" for n in range(BOATS)), "prices nearby"]
    boats = [axis(0, toward=1)] * BOATS
    vectors = _leaning(2, near=0.62), *boats, _leaning(1, near=0.6)
    await documents.publish(made, structure(), passages(*texts, vectors=vectors), MODEL)
    found = await PostgresKnowledgeIndex(pool).search(
        home.space, text=text, vector=axis(0), model=MODEL, within=SearchFilter(), limit=20
    )
    assert len(found) == BOATS + 2
    return list(found)


def _place(found: list[RankedPassage], text: str) -> int:
    return next(n for n, one in enumerate(found) if one.passage.text == text)


async def test_of_two_that_are_about_as_near_the_one_beside_the_best_comes_first(
    pool: Pool,
) -> None:
    alone = await _found(pool, "")
    assert _place(alone, "prices elsewhere") < _place(alone, "prices nearby")
    together = await _found(pool, "boats")
    assert _place(together, "prices nearby") < _place(together, "prices elsewhere")


async def test_the_ranks_that_are_told_are_those_of_the_halves(pool: Pool) -> None:
    found = await _found(pool, "boats")
    assert sorted(one.semantic_rank or 0 for one in found) == list(range(1, BOATS + 3))
    worded = [one.lexical_rank for one in found if one.lexical_rank is not None]
    assert sorted(worded) == list(range(1, BOATS + 1))
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
