"""Graphs of vectors in memory: what has one is noted, and a search has no use for it."""

from collections import Counter

from adapters.memory.state import MemoryState
from domain.identifiers import SpaceId
from domain.retrieval.graphs import GraphState, VectorSet

_Key = tuple[SpaceId, str, int]


class MemoryVectorGraphs:
    def __init__(self, state: MemoryState) -> None:
        self._state = state
        self._ready: set[_Key] = set()

    async def sets(self, at_least: int) -> tuple[VectorSet, ...]:
        counts = Counter(
            (space, kept.model, len(kept.vector))
            for (space, _), passages in self._state.passages.items()
            for kept in passages
        )
        large = {key for key, count in counts.items() if count >= at_least}
        return tuple(
            VectorSet(
                space=key[0],
                model=key[1],
                dimensions=key[2],
                count=counts[key],
                graph=GraphState.READY if key in self._ready else GraphState.NONE,
            )
            for key in sorted(large | self._ready)
        )

    async def build(self, vectors: VectorSet) -> bool:
        self._ready.add(_key(vectors))
        return True

    async def drop(self, vectors: VectorSet) -> bool:
        self._ready.discard(_key(vectors))
        return True

    async def recall(self, vectors: VectorSet, samples: int) -> float:
        """A search in memory is exact."""
        return 1.0


def _key(vectors: VectorSet) -> _Key:
    return vectors.space, vectors.model, vectors.dimensions
