"""What was found hidden in documents, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from adapters.memory.document_store import kept_passage
from adapters.memory.state import MemoryState
from domain.documents.chunking import Chunk
from domain.documents.document import DocumentNotFound, IngestState
from domain.documents.finding import Decision, DocumentNotReady, Finding, FindingNotFound
from domain.identifiers import ChunkId, DocumentId, SpaceId, UserId
from domain.retrieval.vector import EmbeddingModel, Vector


class MemoryFindingStore:
    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._chunks: dict[tuple[SpaceId, DocumentId, int], frozenset[ChunkId]] = {}

    async def list(
        self, space: SpaceId, document: DocumentId, *, after: int, limit: int
    ) -> tuple[Finding, ...]:
        return tuple(one for one in self._of(space, document) if one.ordinal > after)[:limit]

    async def get(self, space: SpaceId, document: DocumentId, ordinal: int) -> Finding:
        found = [one for one in self._of(space, document) if one.ordinal == ordinal]
        if not found:
            raise FindingNotFound
        return found[0]

    async def decide(
        self,
        space: SpaceId,
        finding: Finding,
        *,
        decision: Decision,
        by: UserId,
        time: datetime,
        chunks: Sequence[tuple[ChunkId, Chunk, Vector]],
        model: EmbeddingModel,
    ) -> Finding:
        key = (space, finding.document_id)
        kept = self._of(*key)
        if self._state.documents[key].state is not IngestState.READY:
            raise DocumentNotReady
        if (await self.get(*key, finding.ordinal)).text != finding.text:
            raise FindingNotFound
        self._replace(space, finding, chunks, model)
        decided = replace(finding, decision=decision, decided_by=by, decide_time=time)
        self._state.findings[key] = tuple(
            decided if one.ordinal == finding.ordinal else one for one in kept
        )
        return decided

    def _of(self, space: SpaceId, document: DocumentId) -> tuple[Finding, ...]:
        if (space, document) not in self._state.documents:
            raise DocumentNotFound
        return self._state.findings.get((space, document), ())

    def _replace(
        self,
        space: SpaceId,
        finding: Finding,
        chunks: Sequence[tuple[ChunkId, Chunk, Vector]],
        model: EmbeddingModel,
    ) -> None:
        key = (space, finding.document_id)
        gone = self._chunks.get((*key, finding.ordinal), frozenset())
        rest = tuple(p for p in self._state.passages[key] if p.passage.chunk_id not in gone)
        first = max((p.ordinal for p in rest), default=-1) + 1
        document = replace(self._state.documents[key], chunk_count=len(rest) + len(chunks))
        self._state.documents[key] = document
        self._state.passages[key] = rest + tuple(
            kept_passage(
                document,
                chunk_id,
                replace(chunk, ordinal=first + n, span=(0, 0)),
                vector,
                model.name,
            )
            for n, (chunk_id, chunk, vector) in enumerate(chunks)
        )
        self._chunks[(*key, finding.ordinal)] = frozenset(chunk_id for chunk_id, _, _ in chunks)
