"""When a space's vectors are worth a graph of their own.

Up to some tens of thousands of vectors an exact scan of their sign bits is as quick, and a graph
costs a hundred times as much with each vector that comes.
"""

from dataclasses import dataclass
from enum import Enum

from domain.identifiers import SpaceId


class GraphState(Enum):
    """BROKEN is what a build leaves behind that did not come to its end."""

    NONE = "none"
    BROKEN = "broken"
    READY = "ready"


class GraphStep(Enum):
    """What is to be done about a graph."""

    LEAVE = "leave"
    BUILD = "build"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSet:
    """The vectors of one model in one space."""

    space: SpaceId
    model: str
    dimensions: int
    count: int
    graph: GraphState


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPolicy:
    """Built from `build_from` vectors on, dropped below `drop_below`; between them left alone.

    A search should find `least_recall` of the ten nearest: less is told as a warning.
    """

    build_from: int = 50_000
    drop_below: int = 35_000
    least_recall: float = 0.95

    def __post_init__(self) -> None:
        if not 0 <= self.drop_below <= self.build_from:
            raise ValueError("a graph is dropped below what it is built from")


def next_step(vectors: VectorSet, policy: GraphPolicy) -> GraphStep:
    """A set that goes up and down around one size has its graph built once."""
    if vectors.graph is GraphState.READY:
        return GraphStep.DROP if vectors.count < policy.drop_below else GraphStep.LEAVE
    if vectors.count >= policy.build_from:
        return GraphStep.BUILD
    return GraphStep.DROP if vectors.graph is GraphState.BROKEN else GraphStep.LEAVE
