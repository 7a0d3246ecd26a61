"""KeepDocument: bytes that came whole become a document that waits for its ingestion."""

import logging
from hashlib import sha256

from application.documents.arriving import Arriving
from application.ports.blob_store import BlobStore
from application.ports.clock import Clock
from application.ports.document_store import DocumentStore
from application.ports.embedder import Embedder
from application.ports.entropy import Entropy
from application.ports.jobs import Jobs
from application.unbroken import unbroken
from domain.documents.document import Collection, Document, IngestState
from domain.documents.media import MediaType
from domain.errors import Unavailable
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.pictures import VisualModel

_log = logging.getLogger(__name__)


class KeepDocument:
    def __init__(
        self,
        *,
        documents: DocumentStore,
        blobs: BlobStore,
        jobs: Jobs,
        embedder: Embedder,
        clock: Clock,
        entropy: Entropy,
        visual: VisualModel | None = None,
    ) -> None:
        self._documents = documents
        self._blobs = blobs
        self._jobs = jobs
        self._embedder = embedder
        self._clock = clock
        self._entropy = entropy
        self._visual = visual

    async def __call__(
        self,
        space: SpaceId,
        *,
        filename: str,
        media_type: MediaType,
        collection: Collection,
        content: bytes | Arriving,
    ) -> Document:
        """The document as it is now: the one that these bytes already are, or a new version.

        Raises SpaceNotFound when the space was erased meanwhile, and what the bytes that arrive
        raise; then nothing is kept.
        """
        document_id = DocumentId(self._entropy.uuid())
        try:
            whole = content if isinstance(content, bytes) else aiter(content)
            await self._blobs.put(space, document_id, whole)
        except BaseException:
            await unbroken(self._let_go(space, document_id))
            raise
        now = self._clock.now()
        document = Document(
            document_id=document_id,
            space_id=space,
            filename=filename,
            title=filename,
            media_type=media_type,
            collection=collection,
            size_bytes=len(content) if isinstance(content, bytes) else content.size_bytes,
            content_sha256=_digest(content),
            state=IngestState.PENDING,
            chunk_count=0,
            page_count=0,
            failure="",
            create_time=now,
            update_time=now,
        )
        # A sender that leaves now must not leave bytes without a row, or a row without its job.
        return await unbroken(self._add(document))

    async def _add(self, document: Document) -> Document:
        space, document_id = document.space_id, document.document_id
        try:
            added = await self._documents.add(
                document, known_to=self._embedder.model, seen_by=self._visual
            )
        except BaseException:
            await self._let_go(space, document_id)
            raise
        if added.document_id != document_id:
            await self._let_go(space, document_id)
        self._jobs.wake()
        return added

    async def _let_go(self, space: SpaceId, document_id: DocumentId) -> None:
        """What is told is why they are not wanted; bytes that cannot be removed stay behind."""
        try:
            await self._blobs.delete(space, document_id)
        except Unavailable as error:
            _log.warning("the bytes of no document %s stay behind: %s", document_id, error.message)


def _digest(content: bytes | Arriving) -> str:
    return sha256(content).hexdigest() if isinstance(content, bytes) else content.sha256
