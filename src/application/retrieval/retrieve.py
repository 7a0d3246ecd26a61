"""The four streams, side by side, each with a deadline: what is late is done without, and told."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TypeVar

from application.ports.clock import Clock
from application.ports.embedder import Embedder
from application.ports.knowledge_index import KnowledgeIndex
from application.ports.settings_store import SettingsStore
from domain.documents.document import Collection
from domain.errors import ObeliskError, Unavailable
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.fusion import reciprocal_rank_fusion, without_near_duplicates
from domain.retrieval.passage import FusedPassage, Passage
from domain.retrieval.policy import RetrievalConfig, Stream
from domain.retrieval.vector import Vector
from domain.runs.event import StageTimed
from domain.tenancy.settings import SpaceSettings

_log = logging.getLogger(__name__)
_EMBEDDING_DEADLINE_SECONDS = 1.5
_CANDIDATES_PER_RESULT = 3
# Twice what is wanted: some will not fit the budget.
_FUSED_PER_RESULT = 2
T = TypeVar("T")


class KnowledgeUnavailable(Unavailable):
    """Not the same as finding nothing: no stream could be asked at all."""

    reason = "KNOWLEDGE_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("the space's documents cannot be searched right now; try again")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalRequest:
    space: SpaceId
    question: str
    documents: tuple[DocumentId, ...]
    config: RetrievalConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """`passages` are fused and free of near-duplicates, not yet cut to a budget."""

    passages: tuple[FusedPassage, ...]
    settings: SpaceSettings
    degraded_streams: tuple[str, ...]


class Retrieve:
    """Ask all streams at once. Each stage's time is reported through `report` when it ends."""

    def __init__(
        self, *, index: KnowledgeIndex, embedder: Embedder, settings: SettingsStore, clock: Clock
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._settings = settings
        self._clock = clock

    async def __call__(
        self, request: RetrievalRequest, report: Callable[[StageTimed], None]
    ) -> Retrieved:
        """Raises KnowledgeUnavailable when every stream that was asked for passages failed."""
        timer = _Timer(self._clock, report)
        async with asyncio.TaskGroup() as group:
            vector = group.create_task(self._query_vector(request.question, timer))
            business = group.create_task(self._business(request, timer))
            streams = {
                stream: group.create_task(self._ask(stream, request, vector, timer))
                for stream in _asked(request)
            }
        found = {stream: task.result() for stream, task in streams.items()}
        if all(passages is None for passages in found.values()):
            raise KnowledgeUnavailable
        settings = business.result()
        return Retrieved(
            passages=_fused(found, request.config),
            settings=settings or SpaceSettings(),
            degraded_streams=_degraded(found, settings),
        )

    async def _query_vector(self, question: str, timer: "_Timer") -> Vector | None:
        return await timer.within(
            "retrieve.embed_query",
            _EMBEDDING_DEADLINE_SECONDS,
            self._embedder.embed_query(question),
        )

    async def _business(self, request: RetrievalRequest, timer: "_Timer") -> SpaceSettings | None:
        deadline = request.config.streams[Stream.BUSINESS].deadline_seconds
        return await timer.within("retrieve.business", deadline, self._settings.get(request.space))

    async def _ask(
        self,
        stream: Stream,
        request: RetrievalRequest,
        vector: asyncio.Task[Vector | None],
        timer: "_Timer",
    ) -> tuple[Passage, ...] | None:
        deadline = request.config.streams[stream].deadline_seconds
        search = self._search(stream, request, vector)
        return await timer.within(f"retrieve.{stream.value}", deadline, search)

    async def _search(
        self, stream: Stream, request: RetrievalRequest, vector: asyncio.Task[Vector | None]
    ) -> tuple[Passage, ...]:
        limit = request.config.top_k * _CANDIDATES_PER_RESULT
        # Shielded: a stream that runs out of time must not cancel the embedding for the others.
        query = await asyncio.shield(vector)
        if stream is Stream.REFERENCED:
            return await self._index.of_documents(
                request.space,
                documents=request.documents,
                vector=query,
                model=self._embedder.model,
                limit=limit,
            )
        return await self._index.hybrid(
            request.space,
            text=request.question,
            vector=query,
            model=self._embedder.model,
            collections=_collections(stream, request.config),
            limit=limit,
        )


class _Timer:
    """Runs a stage within its deadline and reports how long it took; None when it failed."""

    def __init__(self, clock: Clock, report: Callable[[StageTimed], None]) -> None:
        self._clock = clock
        self._report = report

    async def within(self, stage: str, seconds: float, work: Coroutine[None, None, T]) -> T | None:
        start = self._clock.monotonic()
        result: T | None = None
        try:
            async with asyncio.timeout(seconds):
                result = await work
        except (TimeoutError, ObeliskError) as error:
            _log.warning("stage %s was done without: %s", stage, error or "deadline")
        elapsed = self._clock.monotonic() - start
        self._report(StageTimed(stage=stage, seconds=elapsed, degraded=result is None))
        return result


def _asked(request: RetrievalRequest) -> tuple[Stream, ...]:
    wanted = (Stream.SEMANTIC, Stream.WEB)
    return (Stream.REFERENCED, *wanted) if request.documents else wanted


def _collections(stream: Stream, config: RetrievalConfig) -> frozenset[Collection]:
    return frozenset({Collection.WEB}) if stream is Stream.WEB else config.collections


def _fused(
    found: dict[Stream, tuple[Passage, ...] | None], config: RetrievalConfig
) -> tuple[FusedPassage, ...]:
    ranked = {stream: passages for stream, passages in found.items() if passages}
    weights = {stream: policy.weight for stream, policy in config.streams.items()}
    fused = reciprocal_rank_fusion(ranked, weights)
    return tuple(without_near_duplicates(fused, config.top_k * _FUSED_PER_RESULT))


def _degraded(
    found: dict[Stream, tuple[Passage, ...] | None], settings: SpaceSettings | None
) -> tuple[str, ...]:
    streams = [stream.value for stream, passages in found.items() if passages is None]
    return tuple(streams if settings is not None else [*streams, Stream.BUSINESS.value])
