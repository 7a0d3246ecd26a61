"""IngestDocument: convert, chunk, embed, publish. Whatever happens, the document says so."""

import asyncio
import logging

from application.ports.blob_store import BlobStore
from application.ports.document_converter import DocumentConverter
from application.ports.document_store import DocumentStore
from application.ports.embedder import Embedder
from application.ports.entropy import Entropy
from application.retrying import until_available
from domain.documents.chunking import ChunkingPolicy, chunk_document, embedding_text
from domain.documents.document import (
    Document,
    DocumentNotFound,
    DocumentUnreadable,
    IngestState,
)
from domain.errors import ObeliskError
from domain.identifiers import ChunkId, DocumentId, SpaceId

_log = logging.getLogger(__name__)


class IngestDocument:
    def __init__(
        self,
        *,
        documents: DocumentStore,
        blobs: BlobStore,
        converter: DocumentConverter,
        embedder: Embedder,
        entropy: Entropy,
        policy: ChunkingPolicy,
    ) -> None:
        self._documents = documents
        self._blobs = blobs
        self._converter = converter
        self._embedder = embedder
        self._entropy = entropy
        self._policy = policy

    async def __call__(self, space: SpaceId, document_id: DocumentId) -> None:
        """Bring the document to READY or FAILED; one that was deleted meanwhile is let go."""
        try:
            await self._ingest(await self._documents.get(space, document_id))
        except DocumentNotFound:
            # Deleted meanwhile, or its bytes are gone: only the first lets it go.
            await self._fail(space, document_id, "its bytes are gone; upload the file again")
        except ObeliskError as error:
            await self._fail(space, document_id, error.message)
        except Exception:  # noqa: BLE001 - a document must not hang in a state that never ends
            _log.exception("document %s failed", document_id)
            await self._fail(space, document_id, "an internal error; see the log, then try again")

    async def _ingest(self, document: Document) -> None:
        space, document_id = document.space_id, document.document_id
        await self._documents.move(space, document_id, IngestState.CONVERTING)
        structure = await self._converter.convert(
            filename=document.filename,
            media_type=document.media_type,
            content=await self._blobs.get(space, document_id),
        )
        chunks = await asyncio.to_thread(
            chunk_document,
            structure,
            policy=self._policy,
            count_tokens=self._embedder.count_tokens,
        )
        if not chunks:
            raise DocumentUnreadable("the file holds no text that could be searched")
        await self._documents.move(space, document_id, IngestState.EMBEDDING)
        vectors = await self._embedder.embed_documents([embedding_text(chunk) for chunk in chunks])
        rows = [
            (ChunkId(self._entropy.uuid()), chunk, vector)
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]
        replaced = await self._documents.publish(document, structure, rows, self._embedder.model)
        for old in replaced:
            await self._blobs.delete(space, old)

    async def _fail(self, space: SpaceId, document_id: DocumentId, failure: str) -> None:
        try:
            await until_available(
                lambda: self._documents.move(space, document_id, IngestState.FAILED, failure)
            )
        except DocumentNotFound:
            await self._blobs.delete(space, document_id)
