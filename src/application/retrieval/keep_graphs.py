"""KeepGraphs: give large spaces a graph of their vectors, and take it from those that shrank."""

import logging

from application.ports.vector_graphs import VectorGraphs
from domain.retrieval.graphs import GraphPolicy, GraphStep, VectorSet, next_step

_log = logging.getLogger(__name__)


class KeepGraphs:
    def __init__(self, *, graphs: VectorGraphs, policy: GraphPolicy) -> None:
        self._graphs = graphs
        self._policy = policy

    async def __call__(self) -> None:
        """Cheap when there is nothing to do. One after the other: a build takes what it can get."""
        for vectors in await self._graphs.sets(self._policy.build_from):
            step = next_step(vectors, self._policy)
            if step is GraphStep.BUILD and await self._graphs.build(vectors):
                _tell("has a graph now", vectors)
            elif step is GraphStep.DROP and await self._graphs.drop(vectors):
                _tell("has no graph any more", vectors)


def _tell(what: str, vectors: VectorSet) -> None:
    _log.info("space %s with %d vectors %s", vectors.space, vectors.count, what)
