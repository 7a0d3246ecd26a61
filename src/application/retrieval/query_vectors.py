"""Vectors of questions, each made once: a run's streams and its tools search with the same one."""

import asyncio
import logging
from collections import OrderedDict

from application.ports.embedder import Embedder
from application.speculative import Speculative
from domain.errors import Unavailable
from domain.identifiers import SpaceId
from domain.retrieval.vector import EmbeddingModel, Vector

# Whoever has no vector by then searches by words alone.
EMBEDDING_SECONDS = 1.5
_MOST = 256
_log = logging.getLogger(__name__)
_Key = tuple[SpaceId, str, str]


class QueryVectors:
    """This process's own, bounded in number. The key leads with the space: no space can tell by
    the time an answer takes what another one has asked.
    """

    def __init__(
        self,
        embedder: Embedder,
        speculative: Speculative,
        *,
        most: int = _MOST,
        seconds: float = EMBEDDING_SECONDS,
    ) -> None:
        """`seconds` is how long `in_time` waits."""
        self._embedder = embedder
        self._speculative = speculative
        self._most = most
        self._seconds = seconds
        self._kept: OrderedDict[_Key, asyncio.Task[Vector]] = OrderedDict()

    @property
    def model(self) -> EmbeddingModel:
        """The model whose space the vectors live in."""
        return self._embedder.model

    def begin(self, space: SpaceId, text: str) -> None:
        """Have the vector ready for who asks for it next. Never waits, never raises."""
        self._made(space, text)

    async def get(self, space: SpaceId, text: str) -> Vector:
        """The question's vector; made for the first to ask, and waited for by all.

        Raises:
            Unavailable: the model does not answer; the next one to ask tries again.
        """
        # Shielded: who runs out of time must not take the vector from the others.
        return await asyncio.shield(self._made(space, text))

    async def in_time(self, space: SpaceId, text: str) -> Vector | None:
        """As `get`; None when the model does not answer, or not in time."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self.get(space, text)
        except (TimeoutError, Unavailable) as error:
            _log.warning("a search goes by words alone: %s", error or "embedding took too long")
            return None

    def _made(self, space: SpaceId, text: str) -> "asyncio.Task[Vector]":
        key = (space, self._embedder.model.name, text)
        known = self._kept.get(key)
        if known is not None and not _failed(known):
            self._kept.move_to_end(key)
            return known
        made = self._speculative.begin(self._embedder.embed_query(text))
        self._kept[key] = made
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return made


def _failed(task: "asyncio.Task[Vector]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
