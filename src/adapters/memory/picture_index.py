"""Passages by their pictures in memory: every picture compared."""

from adapters.memory.state import MemoryState
from domain.documents.document import Document, IngestState
from domain.identifiers import SpaceId
from domain.retrieval.passage import Passage
from domain.retrieval.pictures import PictureQuery, VisualModel
from domain.retrieval.query import SearchFilter
from domain.retrieval.vector import Vector


class MemoryPictureIndex:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def holds(self, space: SpaceId, model: VisualModel) -> bool:
        return any(
            owner == space and kept.model.name == model.name and kept.vectors
            for (owner, _), kept in self._state.pictures.items()
        )

    async def nearest(
        self,
        space: SpaceId,
        *,
        query: PictureQuery,
        model: VisualModel,
        within: SearchFilter,
        limit: int,
    ) -> tuple[Passage, ...]:
        scores: dict[Passage, float] = {}
        for (owner, document_id), kept in self._state.pictures.items():
            document = self._state.documents[owner, document_id]
            if owner != space or kept.model.name != model.name or not _passes(document, within):
                continue
            for one in self._state.passages.get((owner, document_id), ()):
                if one.passage.chunk_id in kept.vectors:
                    vector = kept.vectors[one.passage.chunk_id]
                    scores[one.passage] = _likeness(vector, query.vector)
        near = [passage for passage, score in scores.items() if score >= query.floor]
        return tuple(sorted(near, key=lambda p: (-scores[p], p.chunk_id))[:limit])


def _passes(document: Document, within: SearchFilter) -> bool:
    time = document.create_time
    return (
        document.state is IngestState.READY
        and document.collection in within.collections
        and (within.media_types is None or document.media_type in within.media_types)
        and (within.documents is None or document.document_id in within.documents)
        and (within.created_from is None or time >= within.created_from)
        and (within.created_before is None or time < within.created_before)
    )


def _likeness(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
