"""A re-ranker without a model: the question's words against a few passages, seen together."""

from collections.abc import Sequence

from domain.retrieval.passage import Passage
from domain.retrieval.relevance import word_relevance


class LexicalReranker:
    """Under a millisecond for the couple of dozen passages that a retrieval has it look at."""

    async def score(self, question: str, passages: Sequence[Passage]) -> tuple[float, ...]:
        return word_relevance(question, passages)
