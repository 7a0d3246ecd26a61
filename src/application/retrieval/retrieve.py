"""The four streams, side by side, each with a deadline: what is late is done without, and told."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from application.ports.clock import Clock
from application.ports.knowledge_index import KnowledgeIndex
from application.ports.query_enhancer import QueryEnhancer
from application.ports.reranker import Reranker
from application.ports.settings_store import SettingsStore
from application.retrieval.first_wave import FirstWave
from application.retrieval.pictures import PictureSearch
from application.retrieval.query_vectors import QueryVectors
from application.retrieval.rerank import reranked
from application.retrieval.searches import RetrievalRequest, Searches
from application.retrieval.second_wave import SecondWave
from application.retrieval.stage_timer import StageTimer
from application.speculative import Speculative
from domain.errors import Unavailable
from domain.retrieval.fusion import Ranking, fuse, spread_out, without_near_duplicates
from domain.retrieval.passage import FusedPassage
from domain.retrieval.policy import Stream
from domain.runs.event import StageTimed
from domain.tenancy.settings import SpaceSettings

__all__ = ["KnowledgeUnavailable", "RetrievalRequest", "Retrieve", "Retrieved"]

# Twice what is wanted: some will not fit the budget.
_FUSED_PER_RESULT = 2
# Of all runs of this process together.
_SECOND_WAVE_SEARCHES = 4
# What ranks lower is no near-duplicate of anything that is read, and comparing texts takes time.
_LOOKED_AT = 2


class KnowledgeUnavailable(Unavailable):
    """Not the same as finding nothing: no stream could be asked at all."""

    reason = "KNOWLEDGE_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("the space's documents cannot be searched right now; try again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """`passages` are fused and free of near-duplicates, not yet cut to a budget."""

    passages: tuple[FusedPassage, ...]
    settings: SpaceSettings
    degraded_streams: tuple[str, ...]


class Retrieve:
    """Ask all streams at once. Each stage's time is reported through `report` when it ends."""

    def __init__(
        self,
        *,
        index: KnowledgeIndex,
        vectors: QueryVectors,
        settings: SettingsStore,
        clock: Clock,
        speculative: Speculative,
        enhancer: QueryEnhancer | None = None,
        reranker: Reranker | None = None,
        pictures: PictureSearch | None = None,
    ) -> None:
        self._index = index
        self._vectors = vectors
        self._settings = settings
        self._clock = clock
        self._speculative = speculative
        self._enhancer = enhancer
        self._reranker = reranker
        self._pictures = pictures
        self._room = asyncio.Semaphore(_SECOND_WAVE_SEARCHES)

    async def __call__(
        self, request: RetrievalRequest, report: Callable[[StageTimed], None]
    ) -> Retrieved:
        """The question is searched for at once, and a follow-up with what it leans on.

        What an enhancer says joins if it comes within its budget, counted from now, or while the
        first wave is still at work.

        Raises KnowledgeUnavailable when every stream that was asked for passages failed.
        """
        timer = StageTimer(self._clock, report)
        searches = Searches(request, self._index, self._vectors)
        first = FirstWave(
            request,
            searches=searches,
            vectors=self._vectors,
            timer=timer,
            pictures=self._pictures,
        )
        with self._enhanced(request, searches, timer) as second:
            async with asyncio.TaskGroup() as group:
                business = group.create_task(self._business(request, timer))
                first.begin(group)
            found = first.rankings()
            extra = await second.waited_for()
        if first.failed and not extra:
            raise KnowledgeUnavailable
        settings = business.result()
        missing = () if settings is not None else (Stream.BUSINESS.value,)
        return Retrieved(
            passages=await self._ordered(request, (*found, *extra), timer),
            settings=settings or SpaceSettings(),
            degraded_streams=(*first.degraded(), *missing),
        )

    def _enhanced(
        self, request: RetrievalRequest, searches: Searches, timer: StageTimer
    ) -> SecondWave:
        return SecondWave(
            request,
            enhancer=self._enhancer,
            searches=searches,
            timer=timer,
            speculative=self._speculative,
            room=self._room,
        )

    async def _business(self, request: RetrievalRequest, timer: StageTimer) -> SpaceSettings | None:
        deadline = request.config.streams[Stream.BUSINESS].deadline_seconds
        return await timer.within("retrieve.business", deadline, self._settings.get(request.space))

    async def _ordered(
        self, request: RetrievalRequest, rankings: Sequence[Ranking], timer: StageTimer
    ) -> tuple[FusedPassage, ...]:
        config = request.config
        wanted = config.top_k * _FUSED_PER_RESULT
        fused = without_near_duplicates(fuse(rankings)[: wanted * _LOOKED_AT], wanted)
        ordered = await reranked(
            fused, request.text, reranker=self._reranker, policy=config.rerank, timer=timer
        )
        return tuple(spread_out(ordered, config.per_document, request.per_referred))
