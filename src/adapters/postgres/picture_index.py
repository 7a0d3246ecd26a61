"""Passages by their pictures in Postgres: exact, among the pictures of one space."""

from adapters.postgres.pool import Pool
from adapters.postgres.search_rows import half, narrowed, passage_of
from adapters.postgres.statements import statements
from domain.identifiers import SpaceId
from domain.retrieval.passage import Passage
from domain.retrieval.pictures import PictureQuery, VisualModel
from domain.retrieval.query import SearchFilter

_SQL = statements("pictures")


class PostgresPictureIndex:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def holds(self, space: SpaceId, model: VisualModel) -> bool:
        async with self._pool.connection() as connection:
            return bool(await connection.fetchval(_SQL["holds"], space, model.name))

    async def nearest(
        self,
        space: SpaceId,
        *,
        query: PictureQuery,
        model: VisualModel,
        within: SearchFilter,
        limit: int,
    ) -> tuple[Passage, ...]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(
                _SQL["nearest"],
                space,
                half(query.vector),
                query.floor,
                model.name,
                *narrowed(within),
                limit,
            )
        return tuple(passage_of(row) for row in rows)
