"""Graphs of vectors in Postgres: a partial HNSW index for each large space and model.

Built and dropped concurrently, which takes a session of the tables' owner and no transaction.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TypeAlias

import asyncpg

from adapters.postgres.direct import connect_directly
from adapters.postgres.errors import refusals_explained, translated
from adapters.postgres.statements import statements
from domain.identifiers import SpaceId
from domain.retrieval.graphs import GraphState, VectorSet

_SQL = statements("graphs")
_BUILD_SECONDS = 4 * 3600.0
_BYTES_A_DIMENSION, _BYTES_A_VECTOR = 2, 600
_LEAST_MEMORY_KB, _MOST_MEMORY_KB = 64 * 1024, 1024 * 1024
_Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
_Key: TypeAlias = tuple[SpaceId, str, int]


class PostgresVectorGraphs:
    """`dsn` leads to the server itself, no pooler, as the owner of the tables."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def sets(self, at_least: int) -> tuple[VectorSet, ...]:
        async with self._session() as session:
            graphs = await _standing(session)
            spaces = [space for space, _, _ in graphs]
            await session.execute(_SQL["as_search"])
            rows = await session.fetch(_SQL["large"], at_least, spaces)
        counts: dict[_Key, int] = {
            (row["space_id"], row["model"], row["dimensions"]): row["count"] for row in rows
        }
        large = {key for key, count in counts.items() if count >= at_least}
        return tuple(
            VectorSet(
                space=key[0],
                model=key[1],
                dimensions=key[2],
                count=counts.get(key, 0),
                graph=graphs.get(key, GraphState.NONE),
            )
            for key in sorted(large | set(graphs))
        )

    async def build(self, vectors: VectorSet) -> bool:
        name = _name(vectors)
        async with self._alone() as session:
            if session is None:
                return False
            if (await _valid(session, name)) is not True:
                await session.execute(await session.fetchval(_SQL["remove"], name))
                await session.fetchval(_SQL["memory"], f"{_memory_kb(vectors)}kB")
                create = await session.fetchval(
                    _SQL["create"], name, vectors.space, vectors.model, vectors.dimensions
                )
                await session.execute(create, timeout=_BUILD_SECONDS)
            await session.execute(_SQL["as_search"])
            await session.execute(
                _SQL["register"], vectors.space, vectors.model, vectors.dimensions, name
            )
            await session.execute(_SQL["as_owner"])
        return True

    async def drop(self, vectors: VectorSet) -> bool:
        async with self._alone() as session:
            if session is None:
                return False
            await session.execute(_SQL["as_search"])
            await session.execute(_SQL["unregister"], vectors.space, vectors.model)
            await session.execute(_SQL["as_owner"])
            await session.execute(await session.fetchval(_SQL["remove"], _name(vectors)))
        return True

    async def recall(self, vectors: VectorSet, samples: int) -> float:
        async with self._session() as session:
            await session.execute(_SQL["as_search"])
            found: float | None = await session.fetchval(
                _SQL["recall"], vectors.space, vectors.model, samples
            )
        return 1.0 if found is None else found

    @asynccontextmanager
    async def _session(self) -> AsyncGenerator[_Session]:
        with translated(), refusals_explained():
            session = await connect_directly(self._dsn, command_timeout=600)
            try:
                yield session
            finally:
                await session.close()

    @asynccontextmanager
    async def _alone(self) -> AsyncGenerator["asyncpg.Connection[asyncpg.Record] | None"]:
        """A session that no other process has the like of; None while one does."""
        async with self._session() as session:
            if not await session.fetchval(_SQL["lock"]):
                yield None
                return
            try:
                yield session
            finally:
                await session.execute(_SQL["unlock"])


async def _standing(session: _Session) -> dict[_Key, GraphState]:
    """A graph that searches do not know of counts as broken: its build did not come to its end."""
    standing = await session.fetch(_SQL["standing"])
    await session.execute(_SQL["as_search"])
    known = {row["index_name"] for row in await session.fetch(_SQL["registered"])}
    await session.execute(_SQL["as_owner"])
    return {
        (row["space_id"], row["model"], row["dimensions"]): (
            GraphState.READY if row["valid"] and _bare(row["name"]) in known else GraphState.BROKEN
        )
        for row in standing
    }


async def _valid(session: _Session, name: str) -> bool | None:
    """Whether the index of that name is whole; None when there is none."""
    rows = await session.fetch(_SQL["standing"])
    return next((row["valid"] for row in rows if _bare(row["name"]) == name), None)


def _name(vectors: VectorSet) -> str:
    key = f"{vectors.model} {vectors.dimensions}"
    return f"graph_{vectors.space.hex}_{sha256(key.encode()).hexdigest()[:12]}"


def _bare(name: str) -> str:
    return name.removeprefix("obelisk.")


def _memory_kb(vectors: VectorSet) -> int:
    size = vectors.count * (vectors.dimensions * _BYTES_A_DIMENSION + _BYTES_A_VECTOR)
    return min(max(size * 5 // 4 // 1024, _LEAST_MEMORY_KB), _MOST_MEMORY_KB)
