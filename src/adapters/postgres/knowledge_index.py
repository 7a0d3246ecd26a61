"""Search over passages in Postgres: sign bits, exact distance and words, in one statement."""

from collections.abc import Sequence

import asyncpg
from pgvector import HalfVector

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.documents.document import Collection
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.passage import Passage
from domain.retrieval.vector import EmbeddingModel, Vector

_SQL = statements("search")


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
        names = [collection.value for collection in collections]
        async with self._pool.connection() as connection:
            rows = await connection.fetch(
                _SQL["hybrid"], space, text, _half(vector), model.name, names, limit
            )
        return tuple(_passage(row) for row in rows)

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
    )
