from collections.abc import Sequence
from typing import Protocol

from domain.retrieval.passage import Passage


class Reranker(Protocol):
    """Looks at a question and a few passages together. Never blocks the loop."""

    async def score(self, question: str, passages: Sequence[Passage]) -> tuple[float, ...]:
        """How well each passage answers, in their order; higher is better.

        Scores compare passages of one call alone; equal ones say nothing.

        Raises:
            Unavailable: whoever is asked does not answer.
        """
        ...
