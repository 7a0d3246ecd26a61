from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.identifiers import ChunkId, SpaceId, WorkerId
from domain.retrieval.vector import EmbeddingModel, Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageText:
    """What a vector is made of."""

    space_id: SpaceId
    chunk_id: ChunkId
    section_path: tuple[str, ...]
    text: str


class EmbeddingRollouts(Protocol):
    """Which embedding model serves the installation, and the vectors of the one that comes."""

    async def serving(self) -> str | None:
        """The model's name; None before the first."""
        ...

    async def begin(self, model: EmbeddingModel, worker: WorkerId, seconds: float) -> bool:
        """Take the filling of a model for so long; False while another living process has it."""
        ...

    async def missing(
        self, model: EmbeddingModel, after: PassageText | None, limit: int
    ) -> tuple[PassageText, ...]:
        """At most `limit` passages without a vector of the model, of all spaces, in an order that
        does not change; those that come in it after `after`."""
        ...

    async def add(
        self, space: SpaceId, model: EmbeddingModel, vectors: Mapping[ChunkId, Vector]
    ) -> None:
        """Keep vectors; those of passages that are gone, or have one, are let go."""
        ...

    async def serve(self, model: EmbeddingModel) -> None:
        """The model serves from here on and the one before it leaves, in one transaction."""
        ...

    async def drop_left(self, seconds: float) -> Sequence[str]:
        """Drop all vectors of models that left so long ago, or longer; their names."""
        ...
