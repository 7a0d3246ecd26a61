"""Searches side by side: the question by stream, and what an enhancer makes of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from application.ports.knowledge_index import KnowledgeIndex
from application.retrieval.deeper import beyond_copies
from application.retrieval.query_vectors import QueryVectors
from domain.agents.chat import Role
from domain.agents.earlier import Earlier
from domain.documents.document import Collection
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.enhancement import SearchText
from domain.retrieval.follow_up import standalone
from domain.retrieval.fusion import ASKED, Ranking
from domain.retrieval.passage import Passage
from domain.retrieval.policy import RetrievalConfig, Stream
from domain.retrieval.vector import Vector

_CANDIDATES_PER_RESULT = 3
_WEB = frozenset({Collection.WEB})


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalRequest:
    """`earlier` is what the conversation has come to, without the question."""

    space: SpaceId
    question: str
    documents: tuple[DocumentId, ...]
    config: RetrievalConfig
    earlier: Earlier = field(default_factory=Earlier)

    @property
    def text(self) -> str:
        """The question, with what it leans on when it is a follow-up."""
        return resolved(self.question, self.earlier)

    @property
    def leans_on_conversation(self) -> bool:
        """Whether it is a follow-up."""
        return self.text != self.question

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Those that are asked for passages."""
        wanted = (Stream.SEMANTIC, Stream.WEB)
        return (Stream.REFERENCED, *wanted) if self.documents else wanted

    @property
    def per_referred(self) -> int:
        """How many passages a document that was referred to has, before others have theirs."""
        share = ceil(self.config.top_k / max(len(self.documents), 1))
        return max(share, self.config.per_document)

    @property
    def candidates(self) -> int:
        """How many passages each search brings at most."""
        return self.config.top_k * _CANDIDATES_PER_RESULT


def resolved(question: str, earlier: Earlier) -> str:
    """The question as the rule resolves it from the conversation's earlier questions."""
    asked = [message.content for message in earlier.history if message.role is Role.USER]
    return standalone(question, asked)


class Searches:
    """One request's, on one index."""

    def __init__(
        self, request: RetrievalRequest, index: KnowledgeIndex, vectors: QueryVectors
    ) -> None:
        self._request = request
        self._index = index
        self._vectors = vectors

    async def in_stream(
        self, stream: Stream, vector: "asyncio.Task[Vector | None]"
    ) -> tuple[Passage, ...]:
        """The first wave's: each stream by itself, by words alone when there is no vector."""
        # Shielded: a stream that runs out of time must not cancel the embedding for the others.
        query = await asyncio.shield(vector)
        if stream is Stream.REFERENCED:
            return await self._of_documents(query)
        collections = _WEB if stream is Stream.WEB else self._request.config.collections
        return await self._hybrid(self._request.text, query, collections)

    async def everywhere(
        self, wanted: SearchText, *, weight: float, way: str = ASKED
    ) -> tuple[Ranking, ...]:
        """All streams but the referenced one in one search, then told apart by collection."""
        space, vectors = self._request.space, self._vectors
        query = None if wanted.by_words else await vectors.in_time(space, wanted.text)
        collections = self._request.config.collections | _WEB
        found = await self._hybrid(wanted.text, query, collections)
        ours = [p for p in found if p.collection in self._request.config.collections]
        web = [p for p in found if p.collection is Collection.WEB]
        return (
            self._ranking(Stream.SEMANTIC, ours, weight, way),
            self._ranking(Stream.WEB, web, weight, way),
        )

    async def referenced(self, wanted: SearchText, *, weight: float, way: str) -> tuple[Ranking]:
        """The documents that were referred to, nearest first."""
        found = await self._of_documents(await self._vectors.get(self._request.space, wanted.text))
        return (self._ranking(Stream.REFERENCED, found, weight, way),)

    def _ranking(
        self, stream: Stream, found: Sequence[Passage], weight: float, way: str
    ) -> Ranking:
        share = self._request.config.streams[stream].weight * weight
        return Ranking(stream=stream, passages=found, weight=share, way=way)

    async def _of_documents(self, vector: Vector | None) -> tuple[Passage, ...]:
        return await self._index.of_documents(
            self._request.space,
            documents=self._request.documents,
            vector=vector,
            model=self._vectors.model,
            limit=self._request.candidates,
        )

    async def _hybrid(
        self, text: str, vector: Vector | None, collections: frozenset[Collection]
    ) -> tuple[Passage, ...]:
        request, model = self._request, self._vectors.model

        async def search(limit: int) -> tuple[Passage, ...]:
            return await self._index.hybrid(
                request.space,
                text=text,
                vector=vector,
                model=model,
                collections=collections,
                limit=limit,
            )

        limit, wanted = request.candidates, request.config.top_k
        return await beyond_copies(search, lambda found: found.text, limit=limit, wanted=wanted)
