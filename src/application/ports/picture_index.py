from typing import Protocol

from domain.identifiers import SpaceId
from domain.retrieval.passage import Passage
from domain.retrieval.pictures import PictureQuery, VisualModel
from domain.retrieval.query import SearchFilter


class PictureIndex(Protocol):
    """Finds passages of READY documents in one space by the pictures that stand in them.

    Only vectors of `model` are compared.
    """

    async def holds(self, space: SpaceId, model: VisualModel) -> bool:
        """Whether there is any picture to be found; costs next to nothing."""
        ...

    async def nearest(
        self,
        space: SpaceId,
        *,
        query: PictureQuery,
        model: VisualModel,
        within: SearchFilter,
        limit: int,
    ) -> tuple[Passage, ...]:
        """Passages whose pictures lie at or over the query's floor, best first; one round trip."""
        ...
