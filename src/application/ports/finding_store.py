from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.documents.chunking import Chunk
from domain.documents.finding import Decision, Finding
from domain.identifiers import ChunkId, DocumentId, SpaceId, UserId
from domain.retrieval.vector import EmbeddingModel, Vector


class FindingStore(Protocol):
    """What was found hidden in the documents of a space, and what was decided about it."""

    async def list(
        self, space: SpaceId, document: DocumentId, *, after: int, limit: int
    ) -> tuple[Finding, ...]:
        """At most `limit` findings with an ordinal above `after`, in their order.

        Raises DocumentNotFound, also for another space's document.
        """
        ...

    async def get(self, space: SpaceId, document: DocumentId, ordinal: int) -> Finding:
        """Raises DocumentNotFound (also for another space's document), FindingNotFound."""
        ...

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
        """Keep the decision; the finding's passages are exactly `chunks` from here on, after the
        others of its document, in one transaction.

        Raises:
            DocumentNotFound, FindingNotFound.
            DocumentNotReady: it is being read; nothing was decided.
        """
        ...
