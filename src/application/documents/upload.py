"""UploadDocument: take a file's bytes, keep them, and have them ingested."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256

from application.context import RequestContext
from application.ports.blob_store import BlobStore
from application.ports.clock import Clock
from application.ports.document_store import DocumentStore
from application.ports.embedder import Embedder
from application.ports.entropy import Entropy
from application.ports.jobs import Jobs
from application.unbroken import unbroken
from domain.documents.document import (
    MAX_DOCUMENT_BYTES,
    Collection,
    Document,
    DocumentCutShort,
    DocumentEmpty,
    DocumentTooLarge,
    IngestState,
    checked_filename,
)
from domain.documents.media import check_suffix, media_type_of
from domain.identifiers import DocumentId, SpaceId
from domain.tenancy.access import Action

# Each holds its whole document in memory while it is sent.
_AT_ONCE = 8


class UploadDocument:
    def __init__(
        self,
        *,
        documents: DocumentStore,
        blobs: BlobStore,
        jobs: Jobs,
        embedder: Embedder,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._documents = documents
        self._blobs = blobs
        self._jobs = jobs
        self._embedder = embedder
        self._clock = clock
        self._entropy = entropy
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def __call__(
        self,
        context: RequestContext,
        *,
        filename: str,
        collection: Collection,
        content: AsyncIterator[bytes],
        expected_bytes: int | None = None,
    ) -> Document:
        """Answer once the bytes are kept. A name that cannot be read is refused before its bytes.

        The same file again, while nothing else of its name has come since, is answered as the
        document that it already is.

        Raises:
            UnsupportedMediaType, MediaTypeMismatch, DocumentTooLarge, DocumentEmpty,
            DocumentCutShort (not `expected_bytes` of them came), InvalidInput,
            SpaceNotFound (erased meanwhile: nothing of the upload is kept).
        """
        space = context.space_for(Action.EDIT_DOCUMENTS)
        name = checked_filename(filename)
        check_suffix(name)
        async with self._room:
            whole = await _gather(content)
            if expected_bytes is not None and len(whole) != expected_bytes:
                raise DocumentCutShort(len(whole), expected_bytes)
            document = self._document(space, name, collection, whole)
            # A sender that leaves now must not leave bytes without a row, or a row without its job.
            return await unbroken(self._keep(document, whole))

    def _document(
        self, space: SpaceId, name: str, collection: Collection, whole: bytes
    ) -> Document:
        now = self._clock.now()
        return Document(
            document_id=DocumentId(self._entropy.uuid()),
            space_id=space,
            filename=name,
            title=name,
            media_type=media_type_of(name, whole),
            collection=collection,
            size_bytes=len(whole),
            content_sha256=sha256(whole).hexdigest(),
            state=IngestState.PENDING,
            chunk_count=0,
            page_count=0,
            failure="",
            create_time=now,
            update_time=now,
        )

    async def _keep(self, document: Document, whole: bytes) -> Document:
        space, document_id = document.space_id, document.document_id
        try:
            await self._blobs.put(space, document_id, whole)
            added = await self._documents.add(document, known_to=self._embedder.model)
        except BaseException:
            await self._blobs.delete(space, document_id)
            raise
        if added.document_id != document_id:
            await self._blobs.delete(space, document_id)
        self._jobs.wake()
        return added


async def _gather(content: AsyncIterator[bytes]) -> bytes:
    whole = bytearray()
    async for piece in content:
        whole += piece
        if len(whole) > MAX_DOCUMENT_BYTES:
            raise DocumentTooLarge
    if not whole:
        raise DocumentEmpty
    return bytes(whole)
