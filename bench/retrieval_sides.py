"""What a search is measured against: its halves, the whole retrieval, and the plain design."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import numpy as np
from bench.retrieval_world import EXACT, MODEL, Asked
from pgvector import Vector as PlainVector

from adapters.local.clock import SystemClock
from adapters.postgres.knowledge_index import PostgresKnowledgeIndex
from adapters.postgres.pool import Connection, Pool
from adapters.postgres.settings_store import PostgresSettingsStore
from application.retrieval.query_vectors import QueryVectors
from application.retrieval.retrieve import RetrievalRequest, Retrieve
from application.speculative import Speculative
from domain.documents.document import Collection
from domain.identifiers import ChunkId, SpaceId
from domain.retrieval.policy import RetrievalConfig
from domain.retrieval.query import SearchFilter
from domain.retrieval.vector import EmbeddingModel, Vector
from domain.runs.event import StageTimed

_CONNECTIONS = 3
MEANING = "meaning"
PLAIN = "plain exact scan"
RETRIEVAL = "whole retrieval"
STREAMS = ("retrieve.semantic", "retrieve.web", "retrieve.business", "retrieve.embed_query")
_CONFIG = RetrievalConfig(collections=frozenset(Collection) - {Collection.WEB})
Ask = Callable[[Asked], Awaitable[list[ChunkId]]]


class CountingPool(Pool):
    """A few connections, whose statements are counted."""

    statements = 0

    @classmethod
    async def opened(cls, dsn: str) -> "CountingPool":
        """As `open`, with a connection for each stream."""
        pool = await cls.open(dsn, max_size=_CONNECTIONS)
        if not isinstance(pool, cls):
            raise TypeError("a pool is of the kind that opened it")
        return pool

    async def backends(self) -> list[int]:
        """The ids of the server's processes, all connections open."""
        async with AsyncExitStack() as stack:
            opened = [
                await stack.enter_async_context(self.connection()) for _ in range(_CONNECTIONS)
            ]
            return [connection.get_server_pid() for connection in opened]

    @asynccontextmanager
    async def _acquired(self) -> AsyncGenerator[Connection]:
        async with super()._acquired() as connection:
            with connection.query_logger(self._count):
                yield connection

    def _count(self, _: asyncpg.connection.LoggedQuery) -> None:
        self.statements += 1


class KnownEmbedder:
    """Has the vectors of the questions at hand."""

    def __init__(self, asked: Sequence[Asked]) -> None:
        self._vectors = {one.text: one.vector for one in asked}

    @property
    def model(self) -> EmbeddingModel:
        return MODEL

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def embed_query(self, text: str) -> Vector:
        return self._vectors[text]

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return [self._vectors[text] for text in texts]


class Sides:
    """The ways to ask one space; `stages` gathers the seconds of the retrieval's streams."""

    def __init__(self, pool: CountingPool, space: SpaceId, asked: Sequence[Asked]) -> None:
        self._pool = pool
        self._space = space
        self._index = PostgresKnowledgeIndex(pool)
        speculative = Speculative()
        self._retrieve = Retrieve(
            index=self._index,
            vectors=QueryVectors(KnownEmbedder(asked), speculative),
            settings=PostgresSettingsStore(pool),
            clock=SystemClock(),
            speculative=speculative,
        )
        self.stages: defaultdict[str, list[float]] = defaultdict(list)

    def each(self) -> dict[str, Ask]:
        """All but the plain one."""
        return {
            MEANING: lambda one: self._search("", one.vector, 10),
            "words": self._words,
            "search": self._hybrid,
            RETRIEVAL: self._whole,
        }

    async def plain(self, one: Asked) -> list[ChunkId]:
        """As it is usually done under row-level security: the space set, then the exact scan."""
        # Packed as ours is: a list would cost it a tenth of a millisecond more.
        vector = PlainVector(np.frombuffer(one.vector, dtype=np.float32))
        async with self._pool.in_space(self._space) as connection:
            rows = await connection.fetch(EXACT, self._space, vector, 10)
        return [row["chunk_id"] for row in rows]

    async def _words(self, one: Asked) -> list[ChunkId]:
        await self._search(one.text, None, 24)
        return []

    async def _hybrid(self, one: Asked) -> list[ChunkId]:
        await self._search(one.text, one.vector, 24)
        return []

    async def _whole(self, one: Asked) -> list[ChunkId]:
        request = RetrievalRequest(
            space=self._space, question=one.text, documents=(), config=_CONFIG
        )
        await self._retrieve(request, self._note)
        return []

    async def _search(self, text: str, vector: Vector | None, limit: int) -> list[ChunkId]:
        found = await self._index.search(
            self._space,
            text=text,
            vector=vector,
            model=MODEL,
            within=SearchFilter(),
            limit=limit,
        )
        return [ranked.passage.chunk_id for ranked in found]

    def _note(self, stage: StageTimed) -> None:
        self.stages[stage.stage].append(stage.seconds)
