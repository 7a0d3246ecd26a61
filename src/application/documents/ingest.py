"""IngestDocument: convert, chunk, embed, publish. Whatever happens, the document says so."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from application.documents.reading_progress import ReadingProgress
from application.documents.seeing import seen_by
from application.embeddings.whole import require_unchanged, within
from application.jobs import IngestDocumentJob
from application.ports.blob_store import BlobStore
from application.ports.clock import Clock
from application.ports.document_converter import DocumentConverter
from application.ports.document_store import DocumentStore
from application.ports.embedder import Embedder
from application.ports.entropy import Entropy
from application.ports.visual_embedder import VisualEmbedder
from application.retrying import until_available
from domain.documents.chunking import Chunk, ChunkingPolicy, chunk_document, embedding_text
from domain.documents.document import (
    Document,
    DocumentNotFound,
    DocumentUnreadable,
    IngestLost,
    IngestState,
)
from domain.documents.looking import PICTURES_WAIT
from domain.documents.retrying import MOST_RETRIES, retry_delay
from domain.documents.structure import DocumentStructure
from domain.errors import Conflict, ObeliskError, Unavailable
from domain.identifiers import ChunkId, DocumentId, SpaceId
from domain.retrieval.pictures import PictureVectors
from domain.retrieval.vector import Vector

# So many passages are embedded between two words of how far it is.
_BATCH = 64
_log = logging.getLogger(__name__)


class IngestDocument:
    def __init__(
        self,
        *,
        documents: DocumentStore,
        blobs: BlobStore,
        converter: DocumentConverter,
        embedder: Embedder,
        clock: Clock,
        entropy: Entropy,
        policy: ChunkingPolicy,
        visual: VisualEmbedder | None = None,
    ) -> None:
        self._documents = documents
        self._blobs = blobs
        self._converter = converter
        self._embedder = embedder
        self._clock = clock
        self._entropy = entropy
        self._policy = policy
        self._visual = visual

    async def __call__(self, job: IngestDocumentJob) -> None:
        """Bring the document to READY or FAILED; one that was deleted meanwhile is let go, and so
        is one that was taken up anew.

        When something does not answer that it needs, it is PENDING again, for a while, and in the
        end FAILED.
        """
        try:
            await self._attempt(job)
        except IngestLost:
            # Neither its state nor its bytes are this process's to touch any more.
            _log.info("document %s was taken up elsewhere", job.document_id)

    async def _attempt(self, job: IngestDocumentJob) -> None:
        try:
            await self._ingest(await self._held(job))
        except IngestLost:
            raise
        except DocumentNotFound:
            # Deleted meanwhile, or its bytes are gone: only the first lets it go.
            await self._fail(job, "its bytes are gone; upload the file again")
        except (Unavailable, Conflict) as error:
            await self._put_off(job, error)
        except ObeliskError as error:
            await self._fail(job, error.message)
        except Exception:  # noqa: BLE001 - a document must not hang in a state that never ends
            _log.exception("document %s failed", job.document_id)
            await self._fail(job, "an internal error; see the log, then try again")

    async def _held(self, job: IngestDocumentJob) -> Document:
        document = await self._documents.get(job.space_id, job.document_id)
        if document.fence != job.fence:
            raise IngestLost
        return document

    async def swap(self, document: Document, structure: DocumentStructure) -> None:
        """Put what a READY document says in this reading in the place of what it said before, in
        one transaction; hidden text is to be decided on anew.

        Raises:
            DocumentNotFound, IngestLost.
            Unavailable: a model does not answer, be it that of pictures; nothing has changed.
        """
        await self._publish(document, structure)

    async def _ingest(self, document: Document) -> None:
        space, document_id = document.space_id, document.document_id
        await self._documents.move(space, document_id, IngestState.CONVERTING, fence=document.fence)
        structure = await self._converter.convert(
            filename=document.filename,
            media_type=document.media_type,
            content=await self._blobs.get(space, document_id),
            progress=ReadingProgress(self._documents, self._clock, document),
        )
        await self._publish(document, structure)

    async def _publish(self, document: Document, structure: DocumentStructure) -> None:
        model = self._embedder.model
        chunks = await asyncio.to_thread(
            chunk_document,
            structure,
            policy=within(self._policy, model),
            count_tokens=self._embedder.count_tokens,
        )
        # Hidden text alone can be let in by a person, and then be searched.
        if not chunks and not structure.hidden:
            raise DocumentUnreadable("the file holds no text that could be searched")
        vectors = await self._embedded(document, chunks)
        require_unchanged(self._embedder, model)
        rows = [
            (ChunkId(self._entropy.uuid()), chunk, vector)
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]
        structure, pictures = await self._seen(document, structure, rows)
        replaced = await self._documents.publish(document, structure, rows, model, pictures)
        for old in replaced:
            await self._erase(document.space_id, old)

    async def _embedded(self, document: Document, chunks: Sequence[Chunk]) -> list[Vector]:
        vectors: list[Vector] = []
        for at in range(0, len(chunks), _BATCH):
            await self._tell_embedded(document, at, len(chunks))
            texts = [embedding_text(chunk) for chunk in chunks[at : at + _BATCH]]
            vectors += await self._embedder.embed_documents(texts)
        return vectors

    async def _tell_embedded(self, document: Document, done: int, total: int) -> None:
        if document.state.is_final:
            # It serves meanwhile.
            return
        space, document_id = document.space_id, document.document_id
        await self._documents.move(
            space,
            document_id,
            IngestState.EMBEDDING,
            done=done,
            total=total,
            fence=document.fence,
        )

    async def _seen(
        self,
        document: Document,
        structure: DocumentStructure,
        rows: Sequence[tuple[ChunkId, Chunk, Vector]],
    ) -> tuple[DocumentStructure, PictureVectors | None]:
        """What the pictures show; without it the text must not wait, and the document says so."""
        if self._visual is None:
            return structure, None
        pictures = {chunk_id: chunk.pictures for chunk_id, chunk, _ in rows if chunk.pictures}
        try:
            return structure, await seen_by(self._visual, pictures)
        except Unavailable as error:
            if document.state.is_final:
                raise
            _log.warning("the pictures of document %s wait: %s", document.document_id, error)
            return replace(structure, warnings=(*structure.warnings, PICTURES_WAIT)), None

    async def _erase(self, space: SpaceId, replaced: DocumentId) -> None:
        """The new one is READY: bytes of the old one that cannot be reached now stay behind."""
        try:
            await until_available(lambda: self._blobs.delete(space, replaced))
        except Unavailable as error:
            _log.warning("the bytes of document %s stay behind: %s", replaced, error.message)

    async def _put_off(self, job: IngestDocumentJob, error: Unavailable | Conflict) -> None:
        async def again() -> None:
            document = await self._held(job)
            delay = retry_delay(document.retries)
            if delay is None:
                failure = f"{error.message}; tried {MOST_RETRIES + 1} times, upload it again later"
                await self._move(job, IngestState.FAILED, failure)
                return
            _log.info("document %s is tried again in %s: %s", job.document_id, delay, error.message)
            await self._move(job, IngestState.PENDING, retry_time=self._clock.now() + delay)

        await self._told(job, again)

    async def _fail(self, job: IngestDocumentJob, failure: str) -> None:
        async def fail() -> None:
            await self._move(job, IngestState.FAILED, failure)

        await self._told(job, fail)

    async def _move(
        self,
        job: IngestDocumentJob,
        state: IngestState,
        failure: str = "",
        *,
        retry_time: datetime | None = None,
    ) -> None:
        await self._documents.move(
            job.space_id, job.document_id, state, failure, retry_time=retry_time, fence=job.fence
        )

    async def _told(self, job: IngestDocumentJob, tell: Callable[[], Awaitable[None]]) -> None:
        try:
            await until_available(tell)
        except DocumentNotFound:
            await self._blobs.delete(job.space_id, job.document_id)
