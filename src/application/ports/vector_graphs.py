from typing import Protocol

from domain.retrieval.graphs import VectorSet


class VectorGraphs(Protocol):
    """Approximate indexes of large spaces' vectors, each of one space and one model.

    Searches go on while one is built or dropped, and so does whatever writes.
    """

    async def sets(self, at_least: int) -> tuple[VectorSet, ...]:
        """Every set of at least so many vectors, and every one with a graph, ready or broken.

        A graph whose space is gone is one of no vectors.
        """
        ...

    async def build(self, vectors: VectorSet) -> bool:
        """Build the set's graph and let searches use it; whether that was done.

        It can take minutes. Done twice it is done once; nothing is done while another process is
        at a graph. What a build that broke off has left behind is replaced.
        """
        ...

    async def drop(self, vectors: VectorSet) -> bool:
        """Let searches do without the graph, and remove it; whether that was done.

        Nothing is done while another process is at a graph.
        """
        ...

    async def recall(self, vectors: VectorSet, samples: int) -> float:
        """Of the ten nearest by an exact scan, the part that a search by meaning finds: 0 to 1.

        Asked with `samples` of the set's own vectors, others each time; 1 for an empty set.
        """
        ...
