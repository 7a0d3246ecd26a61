"""An embedder that turns from one model to another while questions are being asked."""

from collections.abc import Sequence

from application.ports.clock import Clock
from application.ports.embedder import Embedder
from domain.errors import Unavailable
from domain.retrieval.vector import EmbeddingModel, Vector

# Longer than a search takes: one that has its vector from the old model also asks the old one's.
_TURN_SECONDS = 3.0


class EmbedderTurning(Unavailable):
    reason = "EMBEDDER_TURNING"

    def __init__(self) -> None:
        super().__init__("the embedding model is being changed; try again in some seconds")


class RollingEmbedder:
    """Is one of `embedders` at a time, the first to begin with.

    While it turns it gives no vectors, and keeps its model: what is searched by then is searched by
    words alone, and nothing is ever compared across models.
    """

    def __init__(
        self, embedders: Sequence[Embedder], clock: Clock, *, turn_seconds: float = _TURN_SECONDS
    ) -> None:
        self._known = {embedder.model.name: embedder for embedder in embedders}
        self._active = embedders[0]
        self._next: Embedder | None = None
        self._turned_at = 0.0
        self._clock = clock
        self._turn_seconds = turn_seconds

    @property
    def model(self) -> EmbeddingModel:
        return self._now().model

    def turn_to(self, name: str) -> bool:
        """Turn to the model of this name, unless it is that already; False when it is not known."""
        if name not in self._known:
            return False
        if self._now().model.name == name:
            self._next = None
        elif self._next is None or self._next.model.name != name:
            self._next = self._known[name]
            self._turned_at = self._clock.monotonic() + self._turn_seconds
        return True

    def count_tokens(self, text: str) -> int:
        return self._now().count_tokens(text)

    async def embed_query(self, text: str) -> Vector:
        embedder = self._settled()
        vector = await embedder.embed_query(text)
        self._unchanged(embedder)
        return vector

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        embedder = self._settled()
        vectors = await embedder.embed_documents(texts)
        self._unchanged(embedder)
        return vectors

    def _now(self) -> Embedder:
        if self._next is not None and self._clock.monotonic() >= self._turned_at:
            self._active, self._next = self._next, None
        return self._active

    def _settled(self) -> Embedder:
        embedder = self._now()
        if self._next is not None:
            raise EmbedderTurning
        return embedder

    def _unchanged(self, embedder: Embedder) -> None:
        if self._settled() is not embedder:
            raise EmbedderTurning
