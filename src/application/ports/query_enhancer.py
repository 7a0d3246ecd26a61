from typing import Protocol

from domain.agents.earlier import Earlier
from domain.retrieval.enhancement import EnhancedQuery


class QueryEnhancer(Protocol):
    """Says in other words what a question looks for. Speculative: nobody has to wait for it."""

    async def enhance(self, question: str, earlier: Earlier) -> EnhancedQuery | None:
        """The question on its own feet, resolved from the conversation; None for nothing to add.

        An answer that does not have its shape is None too. Cancelling it stops the work.

        Raises:
            Unavailable: whoever is asked does not answer.
        """
        ...
