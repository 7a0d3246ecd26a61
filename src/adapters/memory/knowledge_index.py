"""Search over passages in memory: every passage compared, nothing approximated."""

import re
from collections import Counter
from collections.abc import Sequence
from math import ceil, log, sqrt

from adapters.memory.state import KeptPassage, MemoryState
from domain.documents.document import Collection, IngestState
from domain.identifiers import DocumentId, SpaceId
from domain.retrieval.passage import Passage
from domain.retrieval.query import RankedPassage, SearchFilter
from domain.retrieval.spelling import searchable, sought
from domain.retrieval.vector import EmbeddingModel, Vector
from domain.words import COMMON_WORDS

_RRF_K = 60
_K1, _B = 1.5, 0.75
_WORD = re.compile(r"\w+")


class MemoryKnowledgeIndex:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def hybrid(
        self,
        space: SpaceId,
        *,
        text: str,
        vector: Vector | None,
        model: EmbeddingModel,
        collections: frozenset[Collection],
        limit: int,
    ) -> tuple[Passage, ...]:
        within = SearchFilter(collections=collections)
        found = await self.search(
            space, text=text, vector=vector, model=model, within=within, limit=limit
        )
        return tuple(ranked.passage for ranked in found)

    async def search(
        self,
        space: SpaceId,
        *,
        text: str,
        vector: Vector | None,
        model: EmbeddingModel,
        within: SearchFilter,
        limit: int,
    ) -> tuple[RankedPassage, ...]:
        ready = self._ready(space)
        kept = [p for p in ready if self._passes(space, p, within)]
        semantic = _ranks(_nearest(kept, vector, model))
        lexical = _ranks(_by_words(kept, ready, text))
        found = [
            RankedPassage(
                passage=p.passage,
                semantic_rank=semantic.get(p),
                lexical_rank=lexical.get(p),
                score=_share(semantic.get(p)) + _share(lexical.get(p)),
            )
            for p in kept
            if p in semantic or p in lexical
        ]
        found.sort(key=lambda ranked: (-ranked.score, ranked.passage.chunk_id))
        return tuple(found[:limit])

    async def of_documents(
        self,
        space: SpaceId,
        *,
        documents: Sequence[DocumentId],
        vector: Vector | None,
        model: EmbeddingModel,
        limit: int,
    ) -> tuple[Passage, ...]:
        kept = [p for p in self._ready(space) if p.passage.document_id in documents]
        reading = sorted(kept, key=lambda p: (p.passage.document_id, p.ordinal))
        near = _nearest(reading, vector, model)
        order = [*near, *(p for p in reading if p not in near)]
        best = _shared(order, ceil(limit / max(len(documents), 1)))[:limit]
        return tuple(p.passage for p in order if p in best)

    def _ready(self, space: SpaceId) -> list[KeptPassage]:
        return [
            passage
            for (owner, document), passages in self._state.passages.items()
            if owner == space and self._state.documents[owner, document].state is IngestState.READY
            for passage in passages
        ]

    def _passes(self, space: SpaceId, kept: KeptPassage, within: SearchFilter) -> bool:
        document = self._state.documents[space, kept.passage.document_id]
        time = document.create_time
        return (
            kept.passage.collection in within.collections
            and (within.media_types is None or document.media_type in within.media_types)
            and (within.documents is None or document.document_id in within.documents)
            and (within.created_from is None or time >= within.created_from)
            and (within.created_before is None or time < within.created_before)
        )


def _shared(order: Sequence[KeptPassage], share: int) -> list[KeptPassage]:
    """Each document's first `share`, before those that any has more."""
    taken: Counter[DocumentId] = Counter()
    first: list[KeptPassage] = []
    more: list[KeptPassage] = []
    for kept in order:
        document = kept.passage.document_id
        (first if taken[document] < share else more).append(kept)
        taken[document] += 1
    return [*first, *more]


def _ranks(ranked: Sequence[KeptPassage]) -> dict[KeptPassage, int]:
    return {passage: rank for rank, passage in enumerate(ranked, start=1)}


def _share(rank: int | None) -> float:
    return 0.0 if rank is None else 1 / (_RRF_K + rank)


def _nearest(
    kept: Sequence[KeptPassage], vector: Vector | None, model: EmbeddingModel
) -> list[KeptPassage]:
    if vector is None:
        return []
    comparable = [p for p in kept if p.model == model.name]
    return sorted(comparable, key=lambda p: -_cosine(p.vector, vector))


def _by_words(
    kept: Sequence[KeptPassage], everything: Sequence[KeptPassage], text: str
) -> list[KeptPassage]:
    """Those of `kept` that hold a word of the text, by BM25 with the statistics of `everything`."""
    asked = _words(sought(text))
    held = {p: _words(searchable(p.words)) for p in everything}
    chunks = Counter(word for words in held.values() for word in words)
    mean = sum(words.total() for words in held.values()) / max(1, len(held))
    scores = {
        p: sum(
            times * _inverse_frequency(len(held), chunks[word]) * _share_of(held[p], word, mean)
            for word, times in asked.items()
        )
        for p in kept
    }
    hits = [p for p in kept if scores[p] > 0]
    return sorted(hits, key=lambda p: (-scores[p], p.passage.chunk_id))


def _inverse_frequency(passages: int, holding: int) -> float:
    return log(1 + (passages - holding + 0.5) / (holding + 0.5))


def _share_of(words: Counter[str], word: str, mean: float) -> float:
    """How much of the word's weight the passage has: 0 to 1."""
    return words[word] / (words[word] + _K1 * (1 - _B + _B * words.total() / mean))


def _words(text: str) -> Counter[str]:
    found = (word.lower() for word in _WORD.findall(text))
    return Counter(word for word in found if word not in COMMON_WORDS)


def _cosine(left: Vector, right: Vector) -> float:
    dot = sum(a * b for a, b in zip(left, right, strict=True))
    norms = sqrt(sum(a * a for a in left)) * sqrt(sum(b * b for b in right))
    return dot / norms if norms else 0.0
