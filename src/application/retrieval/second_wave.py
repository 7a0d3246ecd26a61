"""The second wave: what an enhancer makes of the question, searched for while there is time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType

from application.ports.query_enhancer import QueryEnhancer
from application.retrieval.searches import RetrievalRequest, Searches
from application.retrieval.stage_timer import StageTimer
from application.speculative import Speculative
from domain.retrieval.enhancement import EnhancedQuery, SearchText, second_wave
from domain.retrieval.fusion import ENHANCED, Ranking

_log = logging.getLogger(__name__)
_STAGE = "retrieve.enhance"


class SecondWave:
    """At work for as long as the body runs, and given up after it without being waited for.

    Never in anybody's way: whatever an enhancer does wrong ends here. Without an enhancer, or a
    budget, there is none.
    """

    def __init__(
        self,
        request: RetrievalRequest,
        *,
        enhancer: QueryEnhancer | None,
        searches: Searches,
        timer: StageTimer,
        speculative: Speculative,
        room: asyncio.Semaphore,
    ) -> None:
        """`room` is shared by all second waves, so that first waves find connections free."""
        self._request = request
        self._enhancer = enhancer
        self._searches = searches
        self._timer = timer
        self._speculative = speculative
        self._room = room
        self._rankings: list[Ranking] = []
        self._task: asyncio.Task[None] | None = None
        self._begun = self._stage_begun = 0.0
        self._told = False

    def __enter__(self) -> "SecondWave":
        self._begun = asyncio.get_running_loop().time()
        self._stage_begun = self._timer.now()
        if self._enhancer is not None and self._request.config.enhancement.budget_seconds:
            self._task = self._speculative.begin(self._at_work(self._enhancer))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            self._tell(degraded=True)

    async def waited_for(self) -> tuple[Ranking, ...]:
        """What has come, after as much waiting as the question is worth."""
        if self._task is not None:
            spent = asyncio.get_running_loop().time() - self._begun
            policy = self._request.config.enhancement
            # One that leans on the conversation is where an enhancer knows more than the rule.
            patience = policy.patience(spent=spent, needed=self._request.leans_on_conversation)
            await asyncio.wait({self._task}, timeout=patience)
        return tuple(self._rankings)

    async def _at_work(self, enhancer: QueryEnhancer) -> None:
        try:
            enhanced = await enhancer.enhance(self._request.question, self._request.earlier)
            self._tell()
            if enhanced is not None:
                await self._search(enhanced)
        except Exception as error:  # noqa: BLE001 - it was only ever an extra
            _log.warning("a question was not enhanced: %s", error or type(error).__name__)
            self._tell(degraded=True)

    async def _search(self, enhanced: EnhancedQuery) -> None:
        wave = second_wave((self._request.text, self._request.question), enhanced)
        weight = self._request.config.enhancement.weight / max(len(wave), 1)
        async with asyncio.TaskGroup() as group:
            for wanted in wave:
                search = partial(self._searches.everywhere, wanted, weight=weight, way=ENHANCED)
                group.create_task(self._keep(search))
            if wave and self._request.documents:
                sentence = SearchText(text=enhanced.text)
                nearest = partial(self._searches.referenced, sentence, weight=weight, way=ENHANCED)
                group.create_task(self._keep(nearest))

    async def _keep(self, search: Callable[[], Awaitable[tuple[Ranking, ...]]]) -> None:
        try:
            async with self._room:
                self._rankings.extend(await search())
        except Exception as error:  # noqa: BLE001 - the others may still find something
            _log.warning("an enhanced search failed: %s", error or type(error).__name__)

    def _tell(self, *, degraded: bool = False) -> None:
        if not self._told:
            self._told = True
            self._timer.tell(_STAGE, self._stage_begun, degraded=degraded)
