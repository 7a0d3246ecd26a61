"""UploadDocument: take a file's bytes, keep them, and have them ingested."""

from collections.abc import AsyncIterator
from hashlib import sha256

from application.context import RequestContext
from application.jobs import IngestDocumentJob
from application.ports.blob_store import BlobStore
from application.ports.clock import Clock
from application.ports.document_store import DocumentStore
from application.ports.entropy import Entropy
from application.ports.jobs import Jobs
from domain.documents.document import (
    MAX_DOCUMENT_BYTES,
    Collection,
    Document,
    DocumentEmpty,
    DocumentTooLarge,
    IngestState,
    checked_filename,
)
from domain.documents.media import check_suffix, media_type_of
from domain.identifiers import DocumentId
from domain.tenancy.access import Action


class UploadDocument:
    def __init__(
        self,
        *,
        documents: DocumentStore,
        blobs: BlobStore,
        jobs: Jobs,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._documents = documents
        self._blobs = blobs
        self._jobs = jobs
        self._clock = clock
        self._entropy = entropy

    async def __call__(
        self,
        context: RequestContext,
        *,
        filename: str,
        collection: Collection,
        content: AsyncIterator[bytes],
    ) -> Document:
        """Answer once the bytes are kept. A name that cannot be read is refused before its bytes.

        Raises:
            UnsupportedMediaType, MediaTypeMismatch, DocumentTooLarge, DocumentEmpty, InvalidInput.
        """
        space = context.space_for(Action.EDIT_DOCUMENTS)
        name = checked_filename(filename)
        check_suffix(name)
        whole = await _gather(content)
        now = self._clock.now()
        document = Document(
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
        await self._blobs.put(space, document.document_id, whole)
        await self._documents.add(document)
        self._jobs.submit(IngestDocumentJob(space_id=space, document_id=document.document_id))
        return document


async def _gather(content: AsyncIterator[bytes]) -> bytes:
    whole = bytearray()
    async for piece in content:
        whole += piece
        if len(whole) > MAX_DOCUMENT_BYTES:
            raise DocumentTooLarge
    if not whole:
        raise DocumentEmpty
    return bytes(whole)
