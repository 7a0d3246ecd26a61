"""UploadDocument: take a file's bytes, keep them, and have them ingested."""

import asyncio
from collections.abc import AsyncIterator

from application.context import RequestContext
from application.documents.arriving import Arriving
from application.documents.keep import KeepDocument
from application.ports.blob_store import BlobStore
from application.ports.clock import Clock
from application.ports.document_store import DocumentStore
from application.ports.embedder import Embedder
from application.ports.entropy import Entropy
from application.ports.jobs import Jobs
from domain.documents.document import Collection, Document, checked_filename
from domain.documents.media import check_suffix, media_type_of
from domain.retrieval.pictures import VisualModel
from domain.tenancy.access import Action

# Each holds a few pieces of its document, or of its parts for an object store.
_AT_ONCE = 16


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
        visual: VisualModel | None = None,
    ) -> None:
        self._keep = KeepDocument(
            documents=documents,
            blobs=blobs,
            jobs=jobs,
            embedder=embedder,
            clock=clock,
            entropy=entropy,
            visual=visual,
        )
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
        media_type = check_suffix(name)
        async with self._room:
            return await self._keep(
                space,
                filename=name,
                media_type=media_type,
                collection=collection,
                content=Arriving(
                    content,
                    check=lambda head: media_type_of(name, head),
                    expected_bytes=expected_bytes,
                ),
            )
