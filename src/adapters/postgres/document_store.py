"""Documents with their passages and vectors in Postgres."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import asyncpg
from pgvector import HalfVector

from adapters.postgres.languages import text_search_configuration
from adapters.postgres.pool import Connection, Pool
from adapters.postgres.statements import statements
from domain.documents.chunking import Chunk, embedding_text
from domain.documents.converted_text import text_digest
from domain.documents.document import (
    Collection,
    Document,
    DocumentNotFound,
    IngestLost,
    IngestState,
)
from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure, HiddenText
from domain.identifiers import ChunkId, DocumentId, SpaceId
from domain.paging import Page, PageRequest, page_of
from domain.retrieval.pictures import PictureVectors, VisualModel
from domain.retrieval.spelling import named, searchable
from domain.retrieval.vector import EmbeddingModel, Vector

_SQL = statements("documents")
_PICTURES = statements("pictures")


class PostgresDocumentStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(
        self,
        document: Document,
        *,
        known_to: EmbeddingModel | None = None,
        seen_by: VisualModel | None = None,
    ) -> Document:
        space, name = document.space_id, document.filename
        async with self._pool.in_space(space) as connection:
            await connection.execute(_SQL["lock_name"], space, name)
            if known_to is not None:
                kind = document.collection.value
                same = await connection.fetchrow(
                    _SQL["same"],
                    space,
                    name,
                    document.content_sha256,
                    kind,
                    known_to.name,
                    seen_by.name if seen_by else None,
                )
                if same is not None:
                    return document_of(same)
            version = await connection.fetchval(
                _SQL["add"],
                document.space_id,
                document.document_id,
                document.filename,
                document.title,
                document.media_type.value,
                document.collection.value,
                document.size_bytes,
                document.content_sha256,
                document.state.value,
                document.create_time,
            )
        return replace(document, version=version)

    async def get(self, space: SpaceId, document: DocumentId) -> Document:
        async with self._pool.in_space(space) as connection:
            row = await connection.fetchrow(_SQL["get"], space, document)
        if row is None:
            raise DocumentNotFound
        return document_of(row)

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Document]:
        async with self._pool.in_space(space) as connection:
            rows = await connection.fetch(_SQL["list"], space, page.after, page.size + 1)
        return page_of([document_of(row) for row in rows], page.size, lambda d: d.document_id)

    async def move(
        self,
        space: SpaceId,
        document: DocumentId,
        state: IngestState,
        failure: str = "",
        *,
        done: int = 0,
        total: int = 0,
        retry_time: datetime | None = None,
        fence: int = 0,
    ) -> None:
        async with self._pool.in_space(space) as connection:
            moved = await connection.execute(
                _SQL["move"], space, document, state.value, failure, done, total, retry_time, fence
            )
            if moved.endswith(" 0"):
                raise await refusal(connection, space, document)

    async def publish(
        self,
        document: Document,
        structure: DocumentStructure,
        chunks: Sequence[tuple[ChunkId, Chunk, Vector]],
        model: EmbeddingModel,
        pictures: PictureVectors | None = None,
    ) -> tuple[DocumentId, ...]:
        space, document_id = document.space_id, document.document_id
        title = structure.title or document.filename
        language = text_search_configuration(structure.language)
        digest = await asyncio.to_thread(text_digest, structure)
        async with self._pool.in_space(space) as connection:
            # One version of a name after the other: the later one removes the earlier one's row.
            await connection.execute(_SQL["lock_name"], space, document.filename)
            await connection.execute(_SQL["hold_space"], space)
            version = await connection.fetchval(
                _SQL["ready"],
                space,
                document_id,
                title,
                len(chunks),
                structure.page_count,
                language,
                pictures.model.name if pictures else "",
                document.fence,
                [keepable(warning) for warning in structure.warnings],
                digest,
                len({image for _, chunk, _ in chunks for image in chunk.pictures}),
            )
            if version is None:
                raise await refusal(connection, space, document_id)
            await connection.execute(_SQL["clear"], space, document_id)
            titled = replace(document, title=title)
            await insert_passages(connection, titled, chunks, model, language)
            if pictures and pictures.vectors:
                await _insert_pictures(connection, document, pictures)
            await _insert_findings(connection, document, structure.hidden)
            replaced = await connection.fetch(_SQL["replace"], space, document.filename, version)
        return tuple(row["document_id"] for row in replaced)

    async def delete(self, space: SpaceId, document: DocumentId) -> None:
        async with self._pool.in_space(space) as connection:
            _found(await connection.execute(_SQL["delete"], space, document))


async def insert_passages(
    connection: Connection,
    document: Document,
    rows: Sequence[tuple[ChunkId, Chunk, Vector]],
    model: EmbeddingModel,
    language: str,
) -> None:
    """Add passages with their words and vectors; `language` is a text search configuration."""
    ids = [chunk_id for chunk_id, _, _ in rows]
    chunks = [chunk for _, chunk, _ in rows]
    await connection.execute(
        _SQL["add_chunks"],
        document.space_id,
        document.document_id,
        document.collection.value,
        ids,
        [chunk.ordinal for chunk in chunks],
        [chunk.kind.value for chunk in chunks],
        [json.dumps(chunk.section_path) for chunk in chunks],
        [chunk.page for chunk in chunks],
        [chunk.text for chunk in chunks],
        [chunk.token_count for chunk in chunks],
        [searchable(embedding_text(chunk)) for chunk in chunks],
        [chunk.span[0] for chunk in chunks],
        [chunk.span[1] for chunk in chunks],
        language,
        searchable(named(document.title, document.filename)),
    )
    vectors = [HalfVector(list(vector)) for _, _, vector in rows]
    await connection.execute(
        _SQL["add_vectors"], document.space_id, model.name, document.collection.value, ids, vectors
    )


async def _insert_pictures(
    connection: Connection, document: Document, pictures: PictureVectors
) -> None:
    await connection.execute(
        _PICTURES["add"],
        document.space_id,
        pictures.model.name,
        document.collection.value,
        list(pictures.vectors),
        [HalfVector(list(vector)) for vector in pictures.vectors.values()],
    )


async def _insert_findings(
    connection: Connection, document: Document, hidden: Sequence[HiddenText]
) -> None:
    space, document_id = document.space_id, document.document_id
    await connection.execute(_SQL["clear_findings"], space, document_id)
    if hidden:
        await connection.execute(
            _SQL["add_findings"],
            space,
            document_id,
            [one.kind.value for one in hidden],
            [one.page for one in hidden],
            [keepable(one.text) for one in hidden],
        )


def keepable(text: str) -> str:
    """A text column holds neither NUL nor half of a character."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


async def refusal(
    connection: Connection, space: SpaceId, document: DocumentId
) -> DocumentNotFound | IngestLost:
    """Why nothing was written to a document: it is gone, or has another fence."""
    exists = await connection.fetchval(_SQL["exists"], space, document)
    return IngestLost() if exists else DocumentNotFound()


def _found(command: str) -> None:
    if command.endswith(" 0"):
        raise DocumentNotFound


def document_of(row: asyncpg.Record) -> Document:
    """The document in a row that holds every field of it, and nothing else."""
    return Document(
        **{
            **row,
            "media_type": MediaType(row["media_type"]),
            "collection": Collection(row["collection"]),
            "state": IngestState(row["state"]),
            "warnings": tuple(row["warnings"]),
        }
    )
