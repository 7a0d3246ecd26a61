"""Search over passages in Postgres: sign bits, exact distance and words, in one statement."""

from collections.abc import Sequence

import asyncpg

from adapters.postgres.pool import Pool
from adapters.postgres.search_rows import half, narrowed, passage_of
from adapters.postgres.statements import statements
from domain.documents.document import Collection
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.passage import Passage
from domain.retrieval.query import RankedPassage, SearchFilter
from domain.retrieval.spelling import sought
from domain.retrieval.vector import EmbeddingModel, Vector

_SQL = statements("search")
# A question of more is searched by its beginning; its vector is of the whole.
_MOST_CHARACTERS = 20_000


class PostgresKnowledgeIndex:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def hybrid(
        self,
        space: SpaceId,
        *,
        text: str,
        vector: Vector | None,
        model: EmbeddingModel,
        collections: frozenset[Collection],
        limit: int,
    ) -> tuple[Passage, ...]:
        within = SearchFilter(collections=collections)
        found = await self.search(
            space, text=text, vector=vector, model=model, within=within, limit=limit
        )
        return tuple(ranked.passage for ranked in found)

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
        async with self._pool.connection() as connection:
            rows = await connection.fetch(
                _SQL["search"],
                space,
                _searchable(text),
                half(vector),
                model.name,
                *narrowed(within),
                limit,
            )
        return tuple(_ranked(row) for row in rows)

    async def of_documents(
        self,
        space: SpaceId,
        *,
        documents: Sequence[DocumentId],
        vector: Vector | None,
        model: EmbeddingModel,
        limit: int,
    ) -> tuple[Passage, ...]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(
                _SQL["of_documents"], space, list(documents), half(vector), model.name, limit
            )
        return tuple(passage_of(row) for row in rows)


def _searchable(text: str) -> str:
    return sought(text[:_MOST_CHARACTERS].replace("\x00", " "))


def _ranked(row: asyncpg.Record) -> RankedPassage:
    return RankedPassage(
        passage=passage_of(row),
        semantic_rank=row["semantic_rank"],
        lexical_rank=row["lexical_rank"],
        score=row["score"],
    )
