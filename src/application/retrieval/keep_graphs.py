"""KeepGraphs: large spaces have a graph of their vectors, and are asked what searches find."""

import logging

from application.ports.vector_graphs import VectorGraphs
from domain.errors import ObeliskError
from domain.retrieval.graphs import GraphPolicy, GraphStep, VectorSet, next_step

_log = logging.getLogger(__name__)
# An exact scan for each: of 50,000 vectors a quarter of a second.
_SAMPLES = 5


class KeepGraphs:
    def __init__(self, *, graphs: VectorGraphs, policy: GraphPolicy) -> None:
        self._graphs = graphs
        self._policy = policy

    async def __call__(self) -> None:
        """One after the other: a build takes what it can get. Every large set's recall is told.

        Trouble with one set is logged, and the others have their turn.
        """
        for vectors in await self._graphs.sets(self._policy.build_from):
            try:
                await self._keep(vectors)
            except ObeliskError as error:
                _log.warning("the graph of space %s: %s", vectors.space, error.message)

    async def _keep(self, vectors: VectorSet) -> None:
        step = next_step(vectors, self._policy)
        if step is GraphStep.BUILD and await self._graphs.build(vectors):
            _tell("has a graph now", vectors)
        elif step is GraphStep.DROP and await self._graphs.drop(vectors):
            _tell("has no graph any more", vectors)
        if step is not GraphStep.DROP:
            await self._check(vectors)

    async def _check(self, vectors: VectorSet) -> None:
        """Whether searches still find what is nearest, on the vectors that are really there."""
        recall = await self._graphs.recall(vectors, _SAMPLES)
        level = logging.INFO if recall >= self._policy.least_recall else logging.WARNING
        _log.log(level, "a search in %s finds %.0f%% of the nearest", vectors.space, recall * 100)


def _tell(what: str, vectors: VectorSet) -> None:
    _log.info("space %s with %d vectors %s", vectors.space, vectors.count, what)
