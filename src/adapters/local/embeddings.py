"""Embeddings that need nothing but a file: all-MiniLM-L6-v2 in threads of this process."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from domain.retrieval.vector import EmbedderUnavailable, EmbeddingModel, TextTooLong, Vector

if TYPE_CHECKING:
    from adapters.local.minilm.model import MiniLm

T = TypeVar("T")

# Of threads that embed passages, which can wait.
_NICE, _NICEST = 5, 19
# 256 for the model, of which its two marks take one each.
_MODEL = EmbeddingModel(name="all-MiniLM-L6-v2-int8", dimensions=384, max_tokens=254)


class MiniLmEmbedder:
    """Queries have a thread of their own, so that a question never waits behind an ingestion.

    The model knows no task types: questions and passages are embedded alike.
    """

    def __init__(self, weights: Path, *, document_threads: int = 1) -> None:
        if document_threads < 1:
            raise ValueError(f"document_threads counts from 1, not {document_threads}")
        self._weights = weights
        self._document_threads = document_threads
        self._queries = ThreadPoolExecutor(1, thread_name_prefix="embed-query")
        self._documents = ThreadPoolExecutor(
            document_threads, thread_name_prefix="embed-document", initializer=_give_way
        )
        self._starting = asyncio.Lock()
        self._loaded: MiniLm | None = None
        self._closed = False

    @property
    def model(self) -> EmbeddingModel:
        return _MODEL

    def count_tokens(self, text: str) -> int:
        if self._loaded is None:
            # A piece of a word holds one character at least, but one can unfold into several.
            return len(text.encode("utf-8", "replace"))
        return _counted(self._loaded.tokens(text))

    async def start(self) -> None:
        """Load the model, unless it is loaded; the first request does so by itself.

        Raises:
            Unavailable: the file cannot be loaded, or `close` was called.
        """
        await self._model()

    async def close(self) -> None:
        """Refuse further work, let the texts in hand end (tens of milliseconds each), and free."""
        self._closed = True
        await asyncio.to_thread(self._shut_down)

    async def embed_query(self, text: str) -> Vector:
        model = await self._model()
        return await self._in(self._queries, lambda: model.embed(model.tokens(text)))

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        model = await self._model()
        tokens = await self._in(self._documents, lambda: [model.tokens(text) for text in texts])
        _refuse_long_texts(tokens)
        vectors: list[Vector] = []
        # As many at a time as there are threads: a caller who leaves frees them at once.
        for at in range(0, len(tokens), self._document_threads):
            some = tokens[at : at + self._document_threads]
            vectors += await asyncio.gather(*(self._embedded(model, one) for one in some))
        return vectors

    async def _embedded(self, model: "MiniLm", tokens: list[int]) -> Vector:
        return await self._in(self._documents, lambda: model.embed(tokens))

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closed:
            raise EmbedderUnavailable("the embedding model is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work)
        except EmbedderUnavailable:
            raise
        except Exception as error:
            raise EmbedderUnavailable("the embedding model failed") from error

    async def _model(self) -> "MiniLm":
        async with self._starting:
            if self._loaded is None:
                self._loaded = await self._in(self._queries, lambda: _load(self._weights))
            return self._loaded

    def _shut_down(self) -> None:
        for pool in (self._queries, self._documents):
            pool.shutdown()
        self._loaded = None


def _give_way() -> None:
    """Questions get the processor before passages do; Linux knows priorities of threads."""
    if sys.platform == "linux":
        with suppress(OSError):
            thread = threading.get_native_id()
            nice = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, min(nice + _NICE, _NICEST))


def _load(weights: Path) -> "MiniLm":
    # The runtime takes a fifth of a second to import: not on the event loop, and not if unused.
    from adapters.local.minilm.model import MiniLm

    try:
        return MiniLm(weights)
    except Exception as error:
        raise EmbedderUnavailable(f"{weights.name} is not a usable embedding model") from error


def _counted(tokens: list[int]) -> int:
    from adapters.local.minilm.model import MARKS

    return len(tokens) - MARKS


def _refuse_long_texts(tokens: list[list[int]]) -> None:
    for index, one in enumerate(tokens):
        if _counted(one) > _MODEL.max_tokens:
            raise TextTooLong(
                f"text {index + 1} of {len(tokens)} has {_counted(one)} tokens;"
                f" the embedding model takes {_MODEL.max_tokens}",
                field=f"texts[{index}]",
            )
