"""A re-ranker's opinion, where there is one and it comes in time."""

from collections.abc import Sequence

from application.ports.reranker import Reranker
from application.retrieval.stage_timer import StageTimer
from domain.errors import Unavailable
from domain.retrieval.fusion import reordered
from domain.retrieval.passage import FusedPassage
from domain.retrieval.policy import RerankPolicy


async def reranked(
    fused: Sequence[FusedPassage],
    question: str,
    *,
    reranker: Reranker | None,
    policy: RerankPolicy,
    timer: StageTimer,
) -> list[FusedPassage]:
    """The passages in their new order; in the old one when there is nobody to ask, or no answer."""
    if reranker is None or len(fused) < 2:
        return list(fused)
    work = _scores(reranker, question, fused)
    scores = await timer.within("retrieve.rerank", policy.deadline_seconds, work)
    return list(fused) if scores is None else reordered(fused, scores, policy.weight)


async def _scores(
    reranker: Reranker, question: str, fused: Sequence[FusedPassage]
) -> tuple[float, ...]:
    scores = await reranker.score(question, [one.passage for one in fused])
    if len(scores) != len(fused):
        raise Unavailable(f"the re-ranker gave {len(scores)} scores for {len(fused)} passages")
    return scores
