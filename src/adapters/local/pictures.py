"""Pictures by what they look like and what they show: EfficientNet-Lite0 beside a text embedder."""

import asyncio
from array import array
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import hypot, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from application.ports.embedder import Embedder
from domain.errors import Unavailable
from domain.retrieval.pictures import (
    PictureQuery,
    PictureUnreadable,
    VisualEmbedderUnavailable,
    VisualModel,
)
from domain.retrieval.vector import Vector

if TYPE_CHECKING:
    from adapters.local.efficientnet.model import EfficientNet

T = TypeVar("T")
_FEATURES = 1280
# What has nothing in common stays below these: docs/adr/0028.
_TEXT_FLOOR = 0.18
_PICTURE_FLOOR = 0.55


class EfficientNetEmbedder:
    """A picture's vector has two halves: its features, and the meaning of the names of its classes.

    `texts` gives those meanings and what is asked for in words: a text fills the second half alone.
    """

    def __init__(self, weights: Path, texts: Embedder) -> None:
        self._weights = weights
        self._texts = texts
        self._model = VisualModel(
            name=f"efficientnet-lite0+{texts.model.name}",
            dimensions=_FEATURES + texts.model.dimensions,
            text_floor=_TEXT_FLOOR,
            picture_floor=_PICTURE_FLOOR,
        )
        # Whoever shows a picture does not wait behind an ingestion.
        self._queries = ThreadPoolExecutor(1, thread_name_prefix="look-query")
        self._documents = ThreadPoolExecutor(1, thread_name_prefix="look-document")
        self._starting = asyncio.Lock()
        self._loaded: EfficientNet | None = None
        self._meanings: dict[str, Vector] = {}
        self._closed = False

    @property
    def model(self) -> VisualModel:
        return self._model

    async def close(self) -> None:
        """Refuse further work, let the pictures in hand end (milliseconds each), and free."""
        self._closed = True
        await asyncio.to_thread(self._shut_down)

    async def embed_pictures(self, pictures: Sequence[bytes]) -> list[Vector]:
        return [await self._embedded(self._documents, picture) for picture in pictures]

    async def embed_query(self, text: str) -> PictureQuery:
        self._refuse_when_closed()
        meaning = await self._asked(text)
        vector = array("f", bytes(4 * _FEATURES)) + _scaled(meaning, sqrt(0.5))
        return PictureQuery(vector=vector, floor=self._model.text_floor)

    async def embed_picture_query(self, picture: bytes) -> PictureQuery:
        vector = await self._embedded(self._queries, picture)
        return PictureQuery(vector=vector, floor=self._model.picture_floor)

    async def _embedded(self, pool: ThreadPoolExecutor, picture: bytes) -> Vector:
        network = await self._network()

        def look() -> tuple[Vector, dict[str, float]]:
            try:
                return network.look(picture)
            except (OSError, ValueError, SyntaxError) as error:
                raise PictureUnreadable("the picture cannot be read", field="image") from error

        features, shares = await self._in(pool, look)
        meanings = await self._meanings_of(list(shares))
        return _scaled(features, sqrt(0.5)) + _scaled(_mean(meanings, shares.values()), sqrt(0.5))

    async def _meanings_of(self, names: Sequence[str]) -> list[Vector]:
        """Each name is embedded once in the life of a process."""
        unknown = [name for name in names if name not in self._meanings]
        try:
            found = await self._texts.embed_documents(unknown)
        except Unavailable as error:
            raise VisualEmbedderUnavailable(error.message) from error
        self._meanings.update(zip(unknown, found, strict=True))
        return [self._meanings[name] for name in names]

    async def _asked(self, text: str) -> Vector:
        try:
            return await self._texts.embed_query(text)
        except Unavailable as error:
            raise VisualEmbedderUnavailable(error.message) from error

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        self._refuse_when_closed()
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work)
        except (PictureUnreadable, VisualEmbedderUnavailable):
            raise
        except Exception as error:
            raise VisualEmbedderUnavailable("the picture model failed") from error

    async def _network(self) -> "EfficientNet":
        async with self._starting:
            if self._loaded is None:
                self._loaded = await self._in(self._documents, lambda: _load(self._weights))
            return self._loaded

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise VisualEmbedderUnavailable("the picture model is closed")

    def _shut_down(self) -> None:
        for pool in (self._queries, self._documents):
            pool.shutdown()
        self._loaded = None


def _load(weights: Path) -> "EfficientNet":
    # Reading and building takes half a second: not on the event loop, and not without pictures.
    from adapters.local.efficientnet.model import EfficientNet

    try:
        return EfficientNet(weights)
    except Exception as error:
        raise VisualEmbedderUnavailable(f"{weights.name} is not a usable picture model") from error


def _mean(meanings: Sequence[Vector], shares: Iterable[float]) -> Vector:
    """Of unit length. By the roots of the shares: a second guess is worth more than its share."""
    weights = [sqrt(share) for share in shares]
    summed = [
        sum(weight * value for weight, value in zip(weights, values, strict=True))
        for values in zip(*meanings, strict=True)
    ]
    return _scaled(summed, 1 / (hypot(*summed) or 1.0))


def _scaled(values: Iterable[float], factor: float) -> Vector:
    return array("f", (value * factor for value in values))
