"""Which embedding model serves, and vectors of the one that comes, in Postgres."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from pgvector import HalfVector

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from application.ports.embedding_rollouts import PassageText
from domain.identifiers import ChunkId, SpaceId, WorkerId
from domain.retrieval.vector import EmbeddingModel, Vector

_SQL = statements("embeddings")
# A space's vectors of a model go in one statement.
_DROP_SECONDS = 600.0


class PostgresEmbeddingRollouts:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def serving(self) -> str | None:
        async with self._pool.connection() as connection:
            name = await connection.fetchval(_SQL["serving"])
        return str(name) if name is not None else None

    async def begin(self, model: EmbeddingModel, worker: WorkerId, seconds: float) -> bool:
        async with self._pool.connection() as connection:
            lease = timedelta(seconds=seconds)
            return bool(await connection.fetchval(_SQL["fill"], model.name, worker, lease))

    async def missing(
        self, model: EmbeddingModel, after: PassageText | None, limit: int
    ) -> tuple[PassageText, ...]:
        place = (after.space_id, after.chunk_id) if after else (UUID(int=0), UUID(int=0))
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_SQL["without"], model.name, *place, limit)
        found: list[PassageText] = []
        for space, of_space in groupby(rows, key=lambda row: row["space_id"]):
            found += await self._texts(SpaceId(space), [row["chunk_id"] for row in of_space])
        return tuple(found)

    async def _texts(self, space: SpaceId, chunks: Sequence[UUID]) -> list[PassageText]:
        async with self._pool.in_space(space) as connection:
            rows = await connection.fetch(_SQL["passages"], space, chunks)
        return [
            PassageText(
                space_id=space,
                chunk_id=ChunkId(row["chunk_id"]),
                section_path=tuple(row["section_path"]),
                text=row["content"],
            )
            for row in rows
        ]

    async def add(
        self, space: SpaceId, model: EmbeddingModel, vectors: Mapping[ChunkId, Vector]
    ) -> None:
        halves = [HalfVector(list(vector)) for vector in vectors.values()]
        async with self._pool.in_space(space) as connection:
            await connection.execute(_SQL["add"], space, model.name, list(vectors), halves)

    async def serve(self, model: EmbeddingModel) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(_SQL["serve"], model.name)

    async def drop_left(self, seconds: float) -> Sequence[str]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_SQL["left"], timedelta(seconds=seconds))
        names = [str(row["model"]) for row in rows]
        for name in names:
            await self._drop(name)
        return names

    async def _drop(self, model: str) -> None:
        async with self._pool.connection() as connection:
            spaces = await connection.fetch(_SQL["spaces"], model)
        for row in spaces:
            space = row["space_id"]
            async with self._pool.in_space(space) as connection:
                await connection.execute(_SQL["drop"], space, model, timeout=_DROP_SECONDS)
        async with self._pool.connection() as connection:
            await connection.execute(_SQL["forget"], model)
