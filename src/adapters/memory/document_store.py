"""Documents with their passages and vectors in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.memory.pages import newest_first
from adapters.memory.state import KeptPassage, MemoryState
from application.ports.clock import Clock
from domain.documents.chunking import Chunk, embedding_text
from domain.documents.converted_text import text_digest
from domain.documents.document import Document, DocumentNotFound, IngestLost, IngestState
from domain.documents.finding import Finding
from domain.documents.structure import DocumentStructure
from domain.identifiers import ChunkId, DocumentId, SpaceId
from domain.paging import Page, PageRequest
from domain.retrieval.passage import Passage
from domain.retrieval.pictures import PictureVectors, VisualModel
from domain.retrieval.spelling import named
from domain.retrieval.vector import EmbeddingModel, Vector


class MemoryDocumentStore:
    def __init__(self, state: MemoryState, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    async def add(
        self,
        document: Document,
        *,
        known_to: EmbeddingModel | None = None,
        seen_by: VisualModel | None = None,
    ) -> Document:
        self._state.check(document.space_id)
        named = self._named(document)
        if known_to is not None:
            same = self._same(named, document, known_to, seen_by)
            if same is not None:
                return same
        version = max((other.version for other in named), default=0) + 1
        added = replace(document, version=version)
        self._state.documents[document.space_id, document.document_id] = added
        return added

    async def get(self, space: SpaceId, document: DocumentId) -> Document:
        try:
            return self._state.documents[space, document]
        except KeyError:
            raise DocumentNotFound from None

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Document]:
        mine = [d for (owner, _), d in self._state.documents.items() if owner == space]
        return newest_first(mine, page, lambda document: document.document_id)

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
        kept = await self._held(space, document, fence)
        moved = replace(kept, state=state, failure=failure, stage_done=done, stage_total=total)
        self._state.postponed.pop((space, document), None)
        if retry_time is not None:
            moved = replace(moved, retries=moved.retries + 1)
            self._state.postponed[space, document] = retry_time
            _, attempts = self._state.ingestions.get((space, document), (None, 0))
            self._state.ingestions[space, document] = None, max(attempts - 1, 0)
        self._keep(moved)

    async def publish(
        self,
        document: Document,
        structure: DocumentStructure,
        chunks: Sequence[tuple[ChunkId, Chunk, Vector]],
        model: EmbeddingModel,
        pictures: PictureVectors | None = None,
    ) -> tuple[DocumentId, ...]:
        space, document_id = document.space_id, document.document_id
        ready = replace(
            await self._held(space, document_id, document.fence),
            state=IngestState.READY,
            failure="",
            title=structure.title or document.filename,
            chunk_count=len(chunks),
            page_count=structure.page_count,
            stage_done=0,
            stage_total=0,
            warnings=structure.warnings,
        )
        self._keep(ready)
        kept = tuple(kept_passage(ready, *row, model.name) for row in chunks)
        self._state.passages[space, document_id] = kept
        self._state.findings[space, document_id] = _found(document_id, structure)
        images = {image for _, chunk, _ in chunks for image in chunk.pictures}
        self._state.texts[space, document_id] = text_digest(structure), len(images)
        self._state.looks.pop((space, document_id), None)
        self._state.pictures.pop((space, document_id), None)
        if pictures is not None:
            self._state.pictures[space, document_id] = pictures
        older = tuple(d.document_id for d in self._named(ready) if d.version < ready.version)
        for old in older:
            await self.delete(space, old)
        return older

    async def delete(self, space: SpaceId, document: DocumentId) -> None:
        await self.get(space, document)
        del self._state.documents[space, document]
        self._state.passages.pop((space, document), None)
        self._state.findings.pop((space, document), None)
        self._state.pictures.pop((space, document), None)
        self._state.texts.pop((space, document), None)
        self._state.looks.pop((space, document), None)

    async def _held(self, space: SpaceId, document: DocumentId, fence: int) -> Document:
        kept = await self.get(space, document)
        if kept.fence != fence:
            raise IngestLost
        return kept

    def _keep(self, document: Document) -> None:
        moved = replace(document, update_time=self._clock.now())
        self._state.documents[document.space_id, document.document_id] = moved

    def _named(self, document: Document) -> tuple[Document, ...]:
        """Those of the same name in the same space."""
        own = (d for (space, _), d in self._state.documents.items() if space == document.space_id)
        return tuple(other for other in own if other.filename == document.filename)

    def _same(
        self,
        named: Sequence[Document],
        document: Document,
        model: EmbeddingModel,
        visual: VisualModel | None,
    ) -> Document | None:
        alive = [other for other in named if other.state is not IngestState.FAILED]
        newest = max(alive, key=lambda other: other.version, default=None)
        if newest is None or _use(newest) != _use(document):
            return None
        passages = self._state.passages.get((newest.space_id, newest.document_id), ())
        known = any(passage.model == model.name for passage in passages)
        seen = self._state.pictures.get((newest.space_id, newest.document_id))
        known = known and (visual is None or (seen is not None and seen.model.name == visual.name))
        return newest if known or not newest.state.is_final else None


def _use(document: Document) -> tuple[object, ...]:
    return document.content_sha256, document.collection


def _found(document: DocumentId, structure: DocumentStructure) -> tuple[Finding, ...]:
    return tuple(
        Finding(document_id=document, ordinal=ordinal, kind=one.kind, page=one.page, text=one.text)
        for ordinal, one in enumerate(structure.hidden)
    )


def kept_passage(
    document: Document, chunk_id: ChunkId, chunk: Chunk, vector: Vector, model: str
) -> KeptPassage:
    """What is kept of a passage of `document`."""
    passage = Passage(
        chunk_id=chunk_id,
        document_id=document.document_id,
        title=document.title,
        filename=document.filename,
        collection=document.collection,
        section_path=chunk.section_path,
        page=chunk.page,
        text=chunk.text,
        version=document.version,
        span=chunk.span,
    )
    words = f"{named(document.title, document.filename)}\n{embedding_text(chunk)}"
    return KeptPassage(
        passage=passage, ordinal=chunk.ordinal, words=words, vector=vector, model=model
    )
