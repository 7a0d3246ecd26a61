from collections.abc import Sequence
from typing import Protocol

from domain.documents.chunking import Chunk
from domain.documents.document import Document, IngestState
from domain.documents.structure import DocumentStructure
from domain.identifiers import ChunkId, DocumentId, SpaceId
from domain.paging import Page, PageRequest
from domain.retrieval.vector import EmbeddingModel, Vector


class DocumentStore(Protocol):
    """Documents of a space with their passages and vectors."""

    async def add(self, document: Document) -> None:
        """Keep a new document, in state PENDING."""
        ...

    async def get(self, space: SpaceId, document: DocumentId) -> Document:
        """Raises DocumentNotFound, also for another space's document."""
        ...

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Document]:
        """Documents, newest first."""
        ...

    async def move(
        self, space: SpaceId, document: DocumentId, state: IngestState, failure: str = ""
    ) -> None:
        """Record how far the ingestion has come. Raises DocumentNotFound."""
        ...

    async def publish(
        self,
        document: Document,
        structure: DocumentStructure,
        chunks: Sequence[tuple[ChunkId, Chunk, Vector]],
        model: EmbeddingModel,
    ) -> tuple[DocumentId, ...]:
        """Make the document READY with exactly these passages, in one transaction.

        Older documents of the same file name are removed in it; their ids are returned, so that
        their bytes can be deleted. Raises DocumentNotFound when it was deleted meanwhile.
        """
        ...

    async def delete(self, space: SpaceId, document: DocumentId) -> None:
        """Remove the document, its passages and vectors. Raises DocumentNotFound."""
        ...
