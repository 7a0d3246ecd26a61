"""Search over passages in Postgres: sign bits, exact distance and words, in one statement."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import asyncpg
from pgvector import HalfVector

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.documents.document import Collection
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.passage import Passage
from domain.retrieval.query import RankedPassage, SearchFilter
from domain.retrieval.vector import EmbeddingModel, Vector

_SQL = statements("search")
# A question of more is searched by its beginning; its vector is of the whole.
_MOST_CHARACTERS = 20_000
T = TypeVar("T")
U = TypeVar("U")


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
                _half(vector),
                model.name,
                [collection.value for collection in within.collections],
                _listed(within.media_types, lambda media_type: media_type.value),
                _listed(within.documents, lambda document: document),
                within.created_from,
                within.created_before,
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
                _SQL["of_documents"], space, list(documents), _half(vector), model.name, limit
            )
        return tuple(_passage(row) for row in rows)


def _half(vector: Vector | None) -> HalfVector | None:
    return HalfVector(list(vector)) if vector is not None else None


def _searchable(text: str) -> str:
    return text[:_MOST_CHARACTERS].replace("\x00", " ")


def _listed(values: Iterable[T] | None, as_value: Callable[[T], U]) -> list[U] | None:
    return None if values is None else [as_value(value) for value in values]


def _ranked(row: asyncpg.Record) -> RankedPassage:
    return RankedPassage(
        passage=_passage(row),
        semantic_rank=row["semantic_rank"],
        lexical_rank=row["lexical_rank"],
        score=row["score"],
    )


def _passage(row: asyncpg.Record) -> Passage:
    return Passage(
        chunk_id=row["chunk_id"],
        document_id=row["document_id"],
        title=row["title"],
        filename=row["filename"],
        collection=Collection(row["collection"]),
        section_path=tuple(row["section_path"]),
        page=row["page"],
        text=row["content"],
        version=row["version"],
        span=(row["span_start"], row["span_end"]),
    )
