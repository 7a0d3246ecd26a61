"""A re-ranker's opinion counts when it comes in time and says something of each passage."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from adapters.memory.clock import FixedClock
from application.retrieval.rerank import reranked
from application.retrieval.stage_timer import StageTimer
from domain.documents.document import Collection
from domain.identifiers import ChunkId, DocumentId
from domain.retrieval.passage import FusedPassage, Passage
from domain.retrieval.policy import RerankPolicy
from domain.runs.event import StageTimed


class Opinion:
    """Says `scores`, after `seconds`; with no scores it breaks."""

    def __init__(self, *scores: float, seconds: float = 0.0) -> None:
        self._scores = scores
        self._seconds = seconds

    async def score(self, question: str, passages: Sequence[Passage]) -> tuple[float, ...]:
        await asyncio.sleep(self._seconds)
        if not self._scores:
            raise ZeroDivisionError
        return self._scores


def _fused(number: int) -> FusedPassage:
    passage = Passage(
        chunk_id=ChunkId(UUID(int=number)),
        document_id=DocumentId(UUID(int=1)),
        title="Guide",
        filename="guide.md",
        collection=Collection.GENERAL,
        section_path=(),
        page=None,
        text=f"passage {number}",
    )
    return FusedPassage(passage=passage, streams=("semantic",), score=1 / number)


async def _reranked(opinion: Opinion | None) -> tuple[list[int], list[bool]]:
    stages: list[StageTimed] = []
    found = await reranked(
        [_fused(1), _fused(2), _fused(3)],
        "herring",
        reranker=opinion,
        policy=RerankPolicy(weight=100.0, deadline_seconds=0.05),
        timer=StageTimer(FixedClock(), stages.append),
    )
    return [one.passage.chunk_id.int for one in found], [stage.degraded for stage in stages]


async def test_an_opinion_changes_the_order() -> None:
    assert await _reranked(Opinion(0.1, 0.2, 0.9)) == ([3, 2, 1], [False])


async def test_without_a_re_ranker_nothing_is_asked_and_nothing_told() -> None:
    assert await _reranked(None) == ([1, 2, 3], [])


@pytest.mark.parametrize(
    "opinion", [Opinion(), Opinion(0.9, 0.1), Opinion(0.1, 0.2, 0.9, seconds=30.0)]
)
async def test_one_that_breaks_or_is_late_leaves_the_order_and_is_told(opinion: Opinion) -> None:
    assert await _reranked(opinion) == ([1, 2, 3], [True])
