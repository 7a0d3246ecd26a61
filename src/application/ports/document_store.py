from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.documents.chunking import Chunk
from domain.documents.document import Document, IngestState
from domain.documents.structure import DocumentStructure
from domain.identifiers import ChunkId, DocumentId, SpaceId
from domain.paging import Page, PageRequest
from domain.retrieval.pictures import PictureVectors, VisualModel
from domain.retrieval.vector import EmbeddingModel, Vector


class DocumentStore(Protocol):
    """Documents of a space with their passages and vectors."""

    async def add(
        self,
        document: Document,
        *,
        known_to: EmbeddingModel | None = None,
        seen_by: VisualModel | None = None,
    ) -> Document:
        """Keep a new document, in state PENDING, and answer it with its version: one above the
        highest of its file name in the space.

        With `known_to`, a document of the same name, bytes and collection is answered in its place,
        and nothing is kept, if it is the newest that has not failed, and is still being ingested
        or READY with vectors of that model, its pictures looked at by `seen_by` if that is given.
        """
        ...

    async def get(self, space: SpaceId, document: DocumentId) -> Document:
        """Raises DocumentNotFound, also for another space's document."""
        ...

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Document]:
        """Documents, newest first."""
        ...

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
        """Record how far the ingestion has come: `done` of `total` pages or passages.

        With `retry_time` nobody takes it up before; that is one retry, and spends no attempt.
        `fence` is the one that the document was taken up with, 0 when nobody ever did.

        Raises:
            DocumentNotFound: it was deleted, or never was.
            IngestLost: it was taken up anew meanwhile; nothing has changed.
        """
        ...

    async def publish(
        self,
        document: Document,
        structure: DocumentStructure,
        chunks: Sequence[tuple[ChunkId, Chunk, Vector]],
        model: EmbeddingModel,
        pictures: PictureVectors | None = None,
    ) -> tuple[DocumentId, ...]:
        """Make the document READY with exactly these passages, in one transaction; the structure's
        hidden texts become findings that nobody has decided on. `pictures` are of these passages.

        Older versions of the same file name are removed in it; their ids are returned, so that
        their bytes can be deleted.

        Raises:
            DocumentNotFound: it was deleted meanwhile.
            IngestLost: it has another fence than `document` by now; nothing has changed.
        """
        ...

    async def delete(self, space: SpaceId, document: DocumentId) -> None:
        """Remove the document, its passages and vectors. Raises DocumentNotFound."""
        ...
