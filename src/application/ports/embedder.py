from collections.abc import Sequence
from typing import Protocol

from domain.retrieval.vector import EmbeddingModel, Vector


class Embedder(Protocol):
    """Turns text into vectors. Safe to call from many tasks at once; never blocks the loop."""

    @property
    def model(self) -> EmbeddingModel:
        """The model whose space the vectors live in."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` in this model's terms; an upper bound where it cannot be known."""
        ...

    async def embed_query(self, text: str) -> Vector:
        """Embed a question (the query task type); text over the limit is cut at the end.

        Raises:
            Unavailable: the model does not answer (reason EMBEDDER_UNAVAILABLE).
        """
        ...

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """Embed passages (the document task type), one vector each, in order.

        Raises:
            InvalidInput: a text is over the model's limit (reason TEXT_TOO_LONG); it is never cut.
            Unavailable: the model does not answer (reason EMBEDDER_UNAVAILABLE).
        """
        ...
