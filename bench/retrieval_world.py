"""Spaces of several sizes among many others, made up but shaped like the real thing.

Vectors lie around centres in a space of 128 dimensions that is turned into 3,072, as those of texts
about a few hundred subjects do, plus noise; words come as often as they do in real text without its
stop words (Zipf), so that the commonest are in two passages of five. `make bench-quality` tells the
recall on real embeddings.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import numpy as np
from bench.spaces import CHUNKS_A_DOCUMENT, new_space, publish
from numpy.typing import NDArray

from adapters.postgres.pool import Pool
from domain.identifiers import ChunkId, SpaceId
from domain.retrieval.vector import EmbeddingModel, Vector

MODEL = EmbeddingModel(name="made-up-3072", dimensions=3072, max_tokens=2048)
_SUBJECTS = 400
_INNER_DIMENSIONS = 128
_SPREAD, _NOISE = 0.8, 0.1
_WORDS = 20_000
_WORDS_A_PASSAGE = 110
_WORDS_A_QUESTION = 6
_ORDINARY = 40
_LETTERS = np.array(list("bcdfglmnprstvz")), np.array(list("aeiou"))
_PLAIN = """
create unlogged table plain_vectors (
  space_id uuid not null, chunk_id uuid not null, embedding vector(3072) not null,
  primary key (space_id, chunk_id))
"""
_COPY = """
insert into plain_vectors
select space_id, chunk_id, embedding::vector from obelisk.chunk_vectors where space_id = $1
"""
EXACT = """
select c.chunk_id, c.document_id, d.title, c.section_path, c.page, c.content
from plain_vectors v
join obelisk.chunks c on c.space_id = v.space_id and c.chunk_id = v.chunk_id
join obelisk.documents d on d.space_id = c.space_id and d.document_id = c.document_id
where v.space_id = $1 order by v.embedding <=> $2 limit $3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question and its vector."""

    text: str
    vector: Vector


class Maker:
    """The same texts, vectors and questions every time."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(7)
        inner, outer = _INNER_DIMENSIONS, MODEL.dimensions
        self._centres = self._random.standard_normal((_SUBJECTS, inner), np.float32)
        self._turned = self._random.standard_normal((inner, outer), np.float32) / inner**0.5
        self._words = np.array([self._word() for _ in range(_WORDS)])
        shares = 1 / np.arange(30, _WORDS + 30)
        self._shares = shares / shares.sum()

    def passages(self, count: int) -> tuple[list[str], list[Vector]]:
        """Texts, and their vectors, which have nothing to do with one another."""
        drawn = self._random.choice(self._words, (count, _WORDS_A_PASSAGE), p=self._shares)
        return [" ".join(words) for words in drawn], self._vectors(count)

    def questions(self, count: int) -> list[Asked]:
        """Of six words, one of them an ordinary one."""
        vectors = self._vectors(count)
        drawn = self._random.choice(self._words, (count, _WORDS_A_QUESTION - 1), p=self._shares)
        ordinary = self._random.choice(self._words[:_ORDINARY], count)
        return [
            Asked(text=" ".join([*words, common]), vector=vector)
            for words, common, vector in zip(drawn, ordinary, vectors, strict=True)
        ]

    def _vectors(self, count: int) -> list[Vector]:
        subjects = self._random.integers(0, _SUBJECTS, count)
        spread = self._random.standard_normal((count, _INNER_DIMENSIONS), np.float32)
        noise = self._random.standard_normal((count, MODEL.dimensions), np.float32)
        inner = self._centres[subjects] + _SPREAD * spread
        found: NDArray[np.float32] = inner @ self._turned + _NOISE * noise
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return [array("f", row) for row in found]

    def _word(self) -> str:
        size = self._random.integers(2, 5)
        return "".join(
            str(self._random.choice(letters)) for _ in range(size) for letters in _LETTERS
        )


async def fill(
    pool: Pool, owner: "asyncpg.Connection[asyncpg.Record]", maker: Maker, size: int
) -> tuple[SpaceId, list[ChunkId]]:
    """A space of `size` passages."""
    space = await new_space(owner)
    ids: list[ChunkId] = []
    for start in range(0, size, CHUNKS_A_DOCUMENT):
        texts, vectors = maker.passages(min(CHUNKS_A_DOCUMENT, size - start))
        ids += await publish(pool, space, texts, vectors, MODEL)
    return space, ids


async def copy_plainly(
    owner: "asyncpg.Connection[asyncpg.Record]", spaces: Sequence[SpaceId]
) -> None:
    """The plain design, of the same vectors: a `vector` column and a filter on the space."""
    await owner.execute(_PLAIN)
    await owner.execute("grant select on plain_vectors to obelisk_app")
    for space in spaces:
        await owner.execute(_COPY, space)
