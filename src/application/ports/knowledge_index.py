from collections.abc import Sequence
from typing import Protocol

from domain.documents.document import Collection
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.passage import Passage
from domain.retrieval.query import RankedPassage, SearchFilter
from domain.retrieval.vector import EmbeddingModel, Vector


class KnowledgeIndex(Protocol):
    """Finds passages of READY documents in one space. Only vectors of `model` are compared."""

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
        """The passages that `search` finds in these collections."""
        ...

    async def search(
        self,
        space: SpaceId,
        *,
        text: str,
        vector: Vector | None,
        model: EmbeddingModel,
        within: SearchFilter,
        limit: int,
    ) -> tuple[RankedPassage, ...]:
        """Nearest by meaning and by words, fused by rank; by words alone without vector.

        Words are those of each document's language, and weigh more the fewer passages of the space
        hold them (BM25, k1 = 1.5 and b = 0.75). Best first; one round trip.
        """
        ...

    async def of_documents(
        self,
        space: SpaceId,
        *,
        documents: Sequence[DocumentId],
        vector: Vector | None,
        model: EmbeddingModel,
        limit: int,
    ) -> tuple[Passage, ...]:
        """Passages of exactly these documents, nearest first; in reading order without vector.

        Where there are more than `limit`, each document has an even share of it before any has
        more. Documents of another space are as if they did not exist.
        """
        ...
