"""What was found hidden in documents, in Postgres."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import asyncpg

from adapters.postgres.document_store import document_of, insert_passages
from adapters.postgres.pool import Connection, Pool
from adapters.postgres.statements import statements
from domain.documents.chunking import Chunk
from domain.documents.document import Document, DocumentNotFound, IngestState
from domain.documents.finding import Decision, DocumentNotReady, Finding, FindingNotFound
from domain.documents.structure import HiddenKind
from domain.identifiers import ChunkId, DocumentId, SpaceId, UserId
from domain.retrieval.vector import EmbeddingModel, Vector

_SQL = statements("findings")
_Passages = Sequence[tuple[ChunkId, Chunk, Vector]]


class PostgresFindingStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def list(
        self, space: SpaceId, document: DocumentId, *, after: int, limit: int
    ) -> tuple[Finding, ...]:
        async with self._pool.in_space(space) as connection:
            await _require_document(connection, space, document)
            rows = await connection.fetch(_SQL["list"], space, document, after, limit)
        return tuple(_finding(row) for row in rows)

    async def get(self, space: SpaceId, document: DocumentId, ordinal: int) -> Finding:
        async with self._pool.in_space(space) as connection:
            await _require_document(connection, space, document)
            row = await connection.fetchrow(_SQL["get"], space, document, ordinal)
        if row is None:
            raise FindingNotFound
        return _finding(row)

    async def decide(
        self,
        space: SpaceId,
        finding: Finding,
        *,
        decision: Decision,
        by: UserId,
        time: datetime,
        chunks: _Passages,
        model: EmbeddingModel,
    ) -> Finding:
        key = (space, finding.document_id, finding.ordinal)
        async with self._pool.in_space(space) as connection:
            await connection.execute(_SQL["hold_space"], space)
            document, language = await _locked(connection, space, finding.document_id)
            # The text too: a document that was read anew may have another under this number.
            earlier = await connection.fetchval(_SQL["passages"], *key, finding.text)
            if earlier is None:
                raise FindingNotFound
            await connection.execute(_SQL["clear"], space, finding.document_id, earlier)
            await _append(connection, document, chunks, model, language)
            ids = [chunk_id for chunk_id, _, _ in chunks]
            await connection.execute(_SQL["decide"], *key, decision.value, by, time, ids)
            await connection.execute(_SQL["count"], space, finding.document_id)
        return replace(finding, decision=decision, decided_by=by, decide_time=time)


async def _require_document(connection: Connection, space: SpaceId, document: DocumentId) -> None:
    if await connection.fetchval(_SQL["document"], space, document) is None:
        raise DocumentNotFound


async def _locked(
    connection: Connection, space: SpaceId, document_id: DocumentId
) -> tuple[Document, str]:
    """The document, and how its words are taken apart."""
    row = await connection.fetchrow(_SQL["lock_document"], space, document_id)
    if row is None:
        raise DocumentNotFound
    document = document_of(row)
    if document.state is not IngestState.READY:
        raise DocumentNotReady
    return document, str(await connection.fetchval(_SQL["language"], space, document_id))


async def _append(
    connection: Connection,
    document: Document,
    chunks: _Passages,
    model: EmbeddingModel,
    language: str,
) -> None:
    space, document_id = document.space_id, document.document_id
    first = await connection.fetchval(_SQL["next_ordinal"], space, document_id)
    # It stands nowhere in the text that the others were cut from.
    placed = [
        (chunk_id, replace(chunk, ordinal=first + n, span=(0, 0)), vector)
        for n, (chunk_id, chunk, vector) in enumerate(chunks)
    ]
    if placed:
        await insert_passages(connection, document, placed, model, language)


def _finding(row: asyncpg.Record) -> Finding:
    decided_by = row["decided_by"]
    return Finding(
        document_id=DocumentId(row["document_id"]),
        ordinal=row["ordinal"],
        kind=HiddenKind(row["kind"]),
        page=row["page"],
        text=row["content"],
        decision=Decision(row["decision"]),
        decided_by=UserId(decided_by) if decided_by is not None else None,
        decide_time=row["decide_time"],
    )
