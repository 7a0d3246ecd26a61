"""An embedder without a model: texts that share words lie near each other."""

import re
from array import array
from collections.abc import Sequence
from hashlib import sha256
from math import sqrt

from domain.retrieval.vector import EmbeddingModel, TextTooLong, Vector

_WORD = re.compile(r"\w+")


class HashEmbedder:
    """Each word points along one of the axes, by its hash; a word is a token."""

    def __init__(self, *, dimensions: int = 64, max_tokens: int = 256) -> None:
        self._model = EmbeddingModel(
            name=f"hash-{dimensions}", dimensions=dimensions, max_tokens=max_tokens
        )

    @property
    def model(self) -> EmbeddingModel:
        return self._model

    def count_tokens(self, text: str) -> int:
        return len(_WORD.findall(text))

    async def embed_query(self, text: str) -> Vector:
        return self._embed(_WORD.findall(text)[: self._model.max_tokens])

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        words = [_WORD.findall(text) for text in texts]
        longest = max(map(len, words), default=0)
        if longest > self._model.max_tokens:
            limit = self._model.max_tokens
            raise TextTooLong(f"a text has {longest} tokens; at most {limit}", field="texts")
        return [self._embed(one) for one in words]

    def _embed(self, words: Sequence[str]) -> Vector:
        values = [0.0] * self._model.dimensions
        for word in words:
            digest = sha256(word.casefold().encode(errors="surrogatepass")).digest()
            values[int.from_bytes(digest[:4], "big") % len(values)] += 1.0
        if not any(values):
            values[0] = 1.0
        norm = sqrt(sum(value * value for value in values))
        return array("f", (value / norm for value in values))
