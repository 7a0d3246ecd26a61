"""Search over passages in memory: every passage compared, nothing approximated."""

import re
from collections import defaultdict
from collections.abc import Sequence
from math import sqrt

from adapters.memory.state import KeptPassage, MemoryState
from domain.documents.document import Collection, IngestState
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.passage import Passage
from domain.retrieval.vector import EmbeddingModel, Vector
from domain.words import COMMON_WORDS

_RRF_K = 60
_WORD = re.compile(r"\w+")


class MemoryKnowledgeIndex:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def hybrid(
        self,
        space: SpaceId,
        *,
        text: str,
        vector: Vector | None,
        model: EmbeddingModel,
        collections: frozenset[Collection],
        limit: int,
    ) -> tuple[Passage, ...]:
        kept = [p for p in self._ready(space) if p.passage.collection in collections]
        scores: defaultdict[KeptPassage, float] = defaultdict(float)
        for ranked in (_nearest(kept, vector, model), _by_words(kept, text)):
            for rank, found in enumerate(ranked, start=1):
                scores[found] += 1 / (_RRF_K + rank)
        order = sorted(scores, key=lambda p: (-scores[p], p.passage.chunk_id))
        return tuple(p.passage for p in order[:limit])

    async def of_documents(
        self,
        space: SpaceId,
        *,
        documents: Sequence[DocumentId],
        vector: Vector | None,
        model: EmbeddingModel,
        limit: int,
    ) -> tuple[Passage, ...]:
        kept = [p for p in self._ready(space) if p.passage.document_id in documents]
        reading = sorted(kept, key=lambda p: (p.passage.document_id, p.ordinal))
        near = _nearest(reading, vector, model)
        rest = [p for p in reading if p not in near]
        return tuple(p.passage for p in [*near, *rest][:limit])

    def _ready(self, space: SpaceId) -> list[KeptPassage]:
        return [
            passage
            for (owner, document), passages in self._state.passages.items()
            if owner == space and self._state.documents[owner, document].state is IngestState.READY
            for passage in passages
        ]


def _nearest(
    kept: Sequence[KeptPassage], vector: Vector | None, model: EmbeddingModel
) -> list[KeptPassage]:
    if vector is None:
        return []
    comparable = [p for p in kept if p.model == model.name]
    return sorted(comparable, key=lambda p: -_cosine(p.vector, vector))


def _by_words(kept: Sequence[KeptPassage], text: str) -> list[KeptPassage]:
    asked = _words(text)
    hits = {p: len(asked & _words(p.words)) for p in kept}
    return sorted((p for p in kept if hits[p]), key=lambda p: -hits[p])


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text)) - COMMON_WORDS


def _cosine(left: Vector, right: Vector) -> float:
    dot = sum(a * b for a, b in zip(left, right, strict=True))
    norms = sqrt(sum(a * a for a in left)) * sqrt(sum(b * b for b in right))
    return dot / norms if norms else 0.0
