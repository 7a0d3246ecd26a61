"""Documents with their passages and vectors in memory."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.memory.pages import newest_first
from adapters.memory.state import KeptPassage, MemoryState
from application.ports.clock import Clock
from domain.documents.chunking import Chunk, embedding_text
from domain.documents.document import Document, DocumentNotFound, IngestState
from domain.documents.structure import DocumentStructure
from domain.identifiers import ChunkId, DocumentId, SpaceId
from domain.paging import Page, PageRequest
from domain.retrieval.passage import Passage
from domain.retrieval.vector import EmbeddingModel, Vector


class MemoryDocumentStore:
    def __init__(self, state: MemoryState, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    async def add(self, document: Document) -> None:
        self._state.check(document.space_id)
        self._state.documents[document.space_id, document.document_id] = document

    async def get(self, space: SpaceId, document: DocumentId) -> Document:
        try:
            return self._state.documents[space, document]
        except KeyError:
            raise DocumentNotFound from None

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Document]:
        mine = [d for (owner, _), d in self._state.documents.items() if owner == space]
        return newest_first(mine, page, lambda document: document.document_id)

    async def move(
        self, space: SpaceId, document: DocumentId, state: IngestState, failure: str = ""
    ) -> None:
        kept = await self.get(space, document)
        self._keep(replace(kept, state=state, failure=failure))

    async def publish(
        self,
        document: Document,
        structure: DocumentStructure,
        chunks: Sequence[tuple[ChunkId, Chunk, Vector]],
        model: EmbeddingModel,
    ) -> tuple[DocumentId, ...]:
        space, document_id = document.space_id, document.document_id
        ready = replace(
            await self.get(space, document_id),
            state=IngestState.READY,
            failure="",
            title=structure.title or document.filename,
            chunk_count=len(chunks),
            page_count=structure.page_count,
        )
        self._keep(ready)
        kept = tuple(_kept(ready, *row, model.name) for row in chunks)
        self._state.passages[space, document_id] = kept
        older = self._older(ready)
        for old in older:
            await self.delete(space, old)
        return older

    async def delete(self, space: SpaceId, document: DocumentId) -> None:
        await self.get(space, document)
        del self._state.documents[space, document]
        self._state.passages.pop((space, document), None)

    def _keep(self, document: Document) -> None:
        moved = replace(document, update_time=self._clock.now())
        self._state.documents[document.space_id, document.document_id] = moved

    def _older(self, document: Document) -> tuple[DocumentId, ...]:
        return tuple(
            key
            for (space, key), other in self._state.documents.items()
            if space == document.space_id
            and other.filename == document.filename
            and key < document.document_id
        )


def _kept(
    document: Document, chunk_id: ChunkId, chunk: Chunk, vector: Vector, model: str
) -> KeptPassage:
    passage = Passage(
        chunk_id=chunk_id,
        document_id=document.document_id,
        title=document.title,
        filename=document.filename,
        collection=document.collection,
        section_path=chunk.section_path,
        page=chunk.page,
        text=chunk.text,
    )
    words = embedding_text(chunk)
    return KeptPassage(
        passage=passage, ordinal=chunk.ordinal, words=words, vector=vector, model=model
    )
