"""Spaces full of passages, put there as the product does it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from adapters.local.entropy import SystemEntropy
from adapters.postgres.document_store import PostgresDocumentStore
from adapters.postgres.pool import Pool
from domain.documents.chunking import Chunk, ChunkKind
from domain.documents.document import Collection, Document, IngestState
from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure
from domain.identifiers import ChunkId, DocumentId, SpaceId
from domain.retrieval.vector import EmbeddingModel, Vector

CHUNKS_A_DOCUMENT = 1000
_HOME = """
with organization as (
  insert into obelisk.organizations (organization_id, display_name, create_time)
  values ($1, 'Bench', now()) returning organization_id)
insert into obelisk.spaces (space_id, organization_id, display_name, create_time)
select $2, o.organization_id, 'Bench', now() from organization o
"""
_new_id = SystemEntropy().uuid


async def new_space(owner: "asyncpg.Connection[asyncpg.Record]") -> SpaceId:
    """An empty space in an organization of its own; `owner` may pass row-level security."""
    space = SpaceId(_new_id())
    await owner.execute(_HOME, _new_id(), space)
    return space


async def publish(
    pool: Pool,
    space: SpaceId,
    texts: Sequence[str],
    vectors: Sequence[Vector],
    model: EmbeddingModel,
) -> list[ChunkId]:
    """A document of these passages; the ids of the passages, in order."""
    store = PostgresDocumentStore(pool)
    made = _document(space)
    await store.add(made)
    rows = [
        (ChunkId(_new_id()), _chunk(ordinal, text), vector)
        for ordinal, (text, vector) in enumerate(zip(texts, vectors, strict=True))
    ]
    structure = DocumentStructure(title="Bench", blocks=(), page_count=1)
    await store.publish(made, structure, rows, model)
    return [chunk_id for chunk_id, _, _ in rows]


def _document(space: SpaceId) -> Document:
    now = datetime.now(UTC)
    document_id = DocumentId(_new_id())
    return Document(
        document_id=document_id,
        space_id=space,
        filename=f"{document_id}.md",
        title="Bench",
        media_type=MediaType.MARKDOWN,
        collection=Collection.GENERAL,
        size_bytes=1,
        content_sha256=document_id.hex * 2,
        state=IngestState.PENDING,
        chunk_count=0,
        page_count=0,
        failure="",
        create_time=now,
        update_time=now,
    )


def _chunk(ordinal: int, text: str) -> Chunk:
    return Chunk(
        ordinal=ordinal,
        text=text,
        section_path=(),
        page=1,
        kind=ChunkKind.PROSE,
        token_count=len(text.split()),
        context="",
    )
