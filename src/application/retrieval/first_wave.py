"""The first wave: the question by stream, at once, whatever else is known of it."""

import asyncio

from application.retrieval.query_vectors import QueryVectors
from application.retrieval.searches import RetrievalRequest, Searches
from application.retrieval.stage_timer import StageTimer
from domain.retrieval.enhancement import SearchText
from domain.retrieval.fusion import Ranking
from domain.retrieval.passage import Passage
from domain.retrieval.policy import Stream
from domain.retrieval.vector import Vector

_EMBEDDING_DEADLINE_SECONDS = 1.5
# A follow-up's own words, beside those that it leans on.
_AS_ASKED_WEIGHT = 0.5


class FirstWave:
    """Read it once the group that it was begun in has ended."""

    def __init__(
        self,
        request: RetrievalRequest,
        *,
        searches: Searches,
        vectors: QueryVectors,
        timer: StageTimer,
    ) -> None:
        self._request = request
        self._searches = searches
        self._vectors = vectors
        self._timer = timer
        self._streams: dict[Stream, asyncio.Task[tuple[Passage, ...] | None]] = {}
        self._as_asked: asyncio.Task[tuple[Ranking, ...] | None] | None = None

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Start every stream, and a follow-up's own words beside them."""
        vector = group.create_task(self._vector())
        for stream in self._request.streams:
            self._streams[stream] = group.create_task(self._ask(stream, vector))
        if self._request.leans_on_conversation:
            self._as_asked = group.create_task(self._ask_as_asked())

    @property
    def failed(self) -> bool:
        """Whether no stream could be asked."""
        return all(task.result() is None for task in self._streams.values())

    def degraded(self) -> tuple[str, ...]:
        """The streams that failed or were late."""
        return tuple(s.value for s, task in self._streams.items() if task.result() is None)

    def rankings(self) -> tuple[Ranking, ...]:
        """What came."""
        policies = self._request.config.streams
        own = tuple(
            Ranking(stream=stream, passages=task.result() or (), weight=policies[stream].weight)
            for stream, task in self._streams.items()
        )
        return (*own, *((self._as_asked.result() if self._as_asked else None) or ()))

    async def _vector(self) -> Vector | None:
        work = self._vectors.get(self._request.space, self._request.text)
        return await self._timer.within("retrieve.embed_query", _EMBEDDING_DEADLINE_SECONDS, work)

    async def _ask(
        self, stream: Stream, vector: "asyncio.Task[Vector | None]"
    ) -> tuple[Passage, ...] | None:
        deadline = self._request.config.streams[stream].deadline_seconds
        search = self._searches.in_stream(stream, vector)
        return await self._timer.within(f"retrieve.{stream.value}", deadline, search)

    async def _ask_as_asked(self) -> tuple[Ranking, ...] | None:
        deadline = self._request.config.streams[Stream.SEMANTIC].deadline_seconds
        wanted = SearchText(text=self._request.question)
        search = self._searches.everywhere(wanted, weight=_AS_ASKED_WEIGHT)
        return await self._timer.within("retrieve.as_asked", deadline, search)
