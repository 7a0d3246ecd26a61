"""Several ranked lists into one: fuse by rank, drop near-duplicates, cut to a budget."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from domain.identifiers import ChunkId, DocumentId
from domain.retrieval.passage import FusedPassage, Passage
from domain.retrieval.policy import Stream

RRF_K = 60
_SHINGLE_WORDS = 4
_DUPLICATE_CONTAINMENT = 0.8
_MUCH_LONGER = 2
# What was found is compared again when a tool adds to it; about 20 KB each.
_TEXTS_KNOWN = 512
_WORD = re.compile(r"\w+")
_Shingles = frozenset[tuple[str, ...]]


def reciprocal_rank_fusion(
    ranked: Mapping[Stream, Sequence[Passage]], weights: Mapping[Stream, float]
) -> list[FusedPassage]:
    """Fuse ranked lists: score = sum of weight / (60 + rank), ranks from 1; ties by chunk id.

    Source: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and
    individual Rank Learning Methods", SIGIR 2009.
    """
    passages: dict[ChunkId, Passage] = {}
    scores: dict[ChunkId, float] = {}
    streams: dict[ChunkId, list[str]] = {}
    for stream, found in ranked.items():
        for rank, passage in enumerate(found, start=1):
            key = passage.chunk_id
            passages.setdefault(key, passage)
            scores[key] = scores.get(key, 0.0) + weights[stream] / (RRF_K + rank)
            streams.setdefault(key, []).append(stream.value)
    order = sorted(passages, key=lambda key: (-scores[key], key))
    return [
        FusedPassage(passage=passages[key], streams=tuple(streams[key]), score=scores[key])
        for key in order
    ]


def without_near_duplicates(
    fused: Sequence[FusedPassage], limit: int | None = None
) -> list[FusedPassage]:
    """Keep the better-ranked one of two passages that say nearly the same; at most `limit`.

    Near means that four fifths of the shorter one's word 4-grams stand in the other as well; a
    passage more than twice as long as a better-ranked one says more than that, and stays.
    """
    kept: list[tuple[FusedPassage, _Shingles]] = []
    for candidate in fused:
        if len(kept) == limit:
            break
        shingles = _shingles(candidate.passage.text)
        if not any(_says_no_more(shingles, other) for _, other in kept):
            kept.append((candidate, shingles))
    return [passage for passage, _ in kept]


def cut_to_budget(
    fused: Sequence[FusedPassage],
    *,
    top_k: int,
    budget_tokens: int,
    cost: Callable[[FusedPassage], int],
) -> list[FusedPassage]:
    """Take the best passages, whole, while they fit; one that does not fit is passed over.

    `cost` is in tokens, as `budget_tokens` is.
    """
    taken: list[FusedPassage] = []
    left = budget_tokens
    for candidate in fused:
        if len(taken) == top_k:
            break
        tokens = cost(candidate)
        if tokens <= left:
            taken.append(candidate)
            left -= tokens
    return taken


def one_per_document(fused: Sequence[FusedPassage]) -> list[FusedPassage]:
    """The best passage of each document, best document first; running text before tables."""
    best: dict[DocumentId, FusedPassage] = {}
    for candidate in fused:
        key = candidate.passage.document_id
        if key not in best or (_is_table(best[key]) and not _is_table(candidate)):
            best[key] = candidate
    return sorted(best.values(), key=_is_table)


def _is_table(fused: FusedPassage) -> bool:
    return fused.passage.text.lstrip().startswith("|")


@lru_cache(maxsize=_TEXTS_KNOWN)
def _shingles(text: str) -> _Shingles:
    words = _WORD.findall(text.lower())
    if len(words) < _SHINGLE_WORDS:
        return frozenset({tuple(words)})
    return frozenset(zip(*(words[first:] for first in range(_SHINGLE_WORDS)), strict=False))


def _says_no_more(candidate: _Shingles, kept: _Shingles) -> bool:
    smaller = min(len(candidate), len(kept))
    alike = len(candidate & kept) >= _DUPLICATE_CONTAINMENT * smaller
    return alike and len(candidate) <= _MUCH_LONGER * len(kept)
