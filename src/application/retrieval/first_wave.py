"""The first wave: the question by stream, at once, whatever else is known of it."""

import asyncio
import logging
from dataclasses import replace

from application.retrieval.pictures import PictureSearch
from application.retrieval.query_vectors import EMBEDDING_SECONDS, QueryVectors
from application.retrieval.searches import RetrievalRequest, Searches
from application.retrieval.stage_timer import StageTimer
from domain.retrieval.enhancement import SearchText
from domain.retrieval.fusion import MEANING, PICTURES, Ranking
from domain.retrieval.passage import Passage
from domain.retrieval.policy import Stream
from domain.retrieval.query import SearchFilter
from domain.retrieval.vector import Vector

# A follow-up's own words, beside those that it leans on.
_AS_ASKED_WEIGHT = 0.7
_PICTURES_STAGE = "retrieve.pictures"
_log = logging.getLogger(__name__)


class FirstWave:
    """Read it once the group that it was begun in has ended."""

    def __init__(
        self,
        request: RetrievalRequest,
        *,
        searches: Searches,
        vectors: QueryVectors,
        timer: StageTimer,
        pictures: PictureSearch | None = None,
    ) -> None:
        self._request = request
        self._searches = searches
        self._vectors = vectors
        self._timer = timer
        self._pictures = pictures
        self._embedded: asyncio.Task[Vector | None] | None = None
        self._by_pictures: asyncio.Task[Ranking | None] | None = None
        self._streams: dict[Stream, asyncio.Task[tuple[Passage, ...] | None]] = {}
        self._as_asked: asyncio.Task[tuple[Ranking, ...] | None] | None = None

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Start every stream, and a follow-up's own words beside them."""
        vector = self._embedded = group.create_task(self._vector())
        for stream in self._request.streams:
            self._streams[stream] = group.create_task(self._ask(stream, vector))
        if self._request.leans_on_conversation:
            self._as_asked = group.create_task(self._ask_as_asked())
        if self._pictures is not None:
            self._by_pictures = group.create_task(self._ask_pictures(self._pictures))

    @property
    def failed(self) -> bool:
        """Whether no stream could be asked."""
        return all(task.result() is None for task in self._streams.values())

    def degraded(self) -> tuple[str, ...]:
        """The streams that failed or were late; MEANING and PICTURES where these were not asked.

        REFERENCED, too, where a document that was referred to has nothing that can be searched.
        """
        asked: dict[str, asyncio.Task[object] | None] = {
            **{stream.value: task for stream, task in self._streams.items()},
            MEANING: self._embedded,
            PICTURES: self._by_pictures,
        }
        missing = (Stream.REFERENCED.value,) if self._misses_documents() else ()
        failed = (n for n, task in asked.items() if task is not None and task.result() is None)
        return tuple(dict.fromkeys((*missing, *failed)))

    def _misses_documents(self) -> bool:
        """Whether one has nothing to be found: each that has gets its share of what is found."""
        task = self._streams.get(Stream.REFERENCED)
        found = {passage.document_id for passage in (task.result() if task else ()) or ()}
        return not found.issuperset(self._request.documents)

    def rankings(self) -> tuple[Ranking, ...]:
        """What came."""
        policies = self._request.config.streams
        own = tuple(
            Ranking(stream=stream, passages=task.result() or (), weight=policies[stream].weight)
            for stream, task in self._streams.items()
        )
        shown = self._by_pictures.result() if self._by_pictures else None
        as_asked = self._as_asked.result() if self._as_asked else None
        return (*own, *(as_asked or ()), *((shown,) if shown else ()))

    async def _vector(self) -> Vector | None:
        work = self._vectors.get(self._request.space, self._request.text)
        return await self._timer.within("retrieve.embed_query", EMBEDDING_SECONDS, work)

    async def _ask(
        self, stream: Stream, vector: "asyncio.Task[Vector | None]"
    ) -> tuple[Passage, ...] | None:
        deadline = self._request.config.streams[stream].deadline_seconds
        search = self._searches.in_stream(stream, vector)
        return await self._timer.within(f"retrieve.{stream.value}", deadline, search)

    async def _ask_pictures(self, pictures: PictureSearch) -> Ranking | None:
        """A part of the semantic stream, within its deadline; told of where it did anything."""
        policy = self._request.config.streams[Stream.SEMANTIC]
        within = SearchFilter(collections=self._request.config.collections)
        begun = self._timer.now()
        try:
            async with asyncio.timeout(policy.deadline_seconds):
                found = await pictures.asked(self._request.space, self._request.text, within)
        except Exception as error:  # noqa: BLE001 - the texts are searched all the same
            _log.warning("pictures were not searched: %s", error or type(error).__name__)
            self._timer.tell(_PICTURES_STAGE, begun, degraded=True)
            return None
        if found.passages:
            self._timer.tell(_PICTURES_STAGE, begun)
        return replace(found, weight=found.weight * policy.weight)

    async def _ask_as_asked(self) -> tuple[Ranking, ...] | None:
        deadline = self._request.config.streams[Stream.SEMANTIC].deadline_seconds
        wanted = SearchText(text=self._request.question)
        search = self._searches.everywhere(wanted, weight=_AS_ASKED_WEIGHT)
        return await self._timer.within("retrieve.as_asked", deadline, search)
