"""Several ranked lists into one: fuse by rank, drop near-duplicates, spread, cut to a budget."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from domain.identifiers import ChunkId, DocumentId
from domain.retrieval.passage import FusedPassage, Hit, Passage
from domain.retrieval.policy import Stream

# Lists are two dozen long: with the 60 that suits a thousand, one of less weight would come after
# all of another.
RRF_K = 10
_OPINION_K = 60
# How a list was made: with the question as it was asked, or with what an enhancer made of it.
ASKED = "asked"
ENHANCED = "enhanced"
# Or by what the question means, and by what the pictures of passages show.
MEANING = "meaning"
PICTURES = "pictures"
_SHINGLE_WORDS = 4
_DUPLICATE_CONTAINMENT = 0.8
_MUCH_LONGER = 2
_MOST_ALSO_IN = 8
_TERSE_WORDS = 25
_TABLE = 2
# What was found is compared again when a tool adds to it; about 20 KB each.
_TEXTS_KNOWN = 512
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"(?<![^\W_])\d+(?:[.,:]\d+)*")
# By hash: the chance that one collides is nothing beside four fifths of a text that must agree.
_Shingles = frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """One list, best first. `weight` multiplies its share; `way` says how it was made."""

    stream: Stream
    passages: Sequence[Passage]
    weight: float = 1.0
    way: str = ASKED


def fuse(rankings: Sequence[Ranking]) -> list[FusedPassage]:
    """Fuse ranked lists: score = sum of weight / (10 + rank), ranks from 1; ties by chunk id.

    Source: Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and
    individual Rank Learning Methods", SIGIR 2009.
    """
    passages: dict[ChunkId, Passage] = {}
    scores: dict[ChunkId, float] = {}
    hits: dict[ChunkId, list[Hit]] = {}
    for ranking in rankings:
        for rank, passage in enumerate(ranking.passages, start=1):
            key = passage.chunk_id
            passages.setdefault(key, passage)
            scores[key] = scores.get(key, 0.0) + ranking.weight / (RRF_K + rank)
            hit = Hit(stream=ranking.stream.value, way=ranking.way, rank=rank)
            hits.setdefault(key, []).append(hit)
    order = sorted(passages, key=lambda key: (-scores[key], key))
    return [
        FusedPassage(
            passage=passages[key],
            streams=streams_of(hits[key]),
            score=scores[key],
            hits=tuple(hits[key]),
        )
        for key in order
    ]


def streams_of(hits: Sequence[Hit]) -> tuple[str, ...]:
    """The streams of these hits, each once; "pictures" is named beside the stream that it is of."""
    named = [name for hit in hits for name in (hit.stream, hit.way)[: 1 + (hit.way == PICTURES)]]
    return tuple(dict.fromkeys(named))


def reciprocal_rank_fusion(
    ranked: Mapping[Stream, Sequence[Passage]], weights: Mapping[Stream, float]
) -> list[FusedPassage]:
    """`fuse`, of one list for each stream."""
    return fuse(
        [
            Ranking(stream=stream, passages=found, weight=weights[stream])
            for stream, found in ranked.items()
        ]
    )


def without_near_duplicates(
    fused: Sequence[FusedPassage], limit: int | None = None
) -> list[FusedPassage]:
    """Keep the better-ranked one of two passages that say nearly the same; at most `limit`.

    The one kept names the places of the others in `also_in`, at most eight. Near means that four
    fifths of the shorter one's word 4-grams stand in the other as well; a passage more than twice
    as long as a better-ranked one says more than that, and so does one with a number that the
    other has not: both stay.
    """
    kept: list[FusedPassage] = []
    told: list[_Shingles] = []
    # What all of the kept say together: most candidates are done with after one look at it.
    said: set[int] = set()
    for candidate in fused:
        shingles = _shingles(candidate.passage.text)
        least = _DUPLICATE_CONTAINMENT * min([len(shingles), *map(len, told)])
        near = len(said & shingles) >= least
        twin = _twin(candidate, shingles, kept, told) if near else None
        if twin is not None:
            kept[twin] = _with_place(kept[twin], candidate)
        elif limit is None or len(kept) < limit:
            said |= shingles
            kept.append(candidate)
            told.append(shingles)
    return kept


def spread_out(
    fused: Sequence[FusedPassage], per_document: int, per_referred: int
) -> list[FusedPassage]:
    """Let every document have its say: from its `per_document`-th on, a document's passages wait.

    They come after all others, in their order; nothing is dropped. Of one that was referred to,
    `per_referred` do not wait.
    """
    seen: Counter[DocumentId] = Counter()
    first: list[FusedPassage] = []
    later: list[FusedPassage] = []
    for candidate in fused:
        document = candidate.passage.document_id
        referred = Stream.REFERENCED.value in candidate.streams
        share = per_referred if referred else per_document
        (first if seen[document] < share else later).append(candidate)
        seen[document] += 1
    return [*first, *later]


def reordered(
    fused: Sequence[FusedPassage], scores: Sequence[float], weight: float
) -> list[FusedPassage]:
    """The passages with a re-ranker's opinion of each, fused by rank with the order they had.

    `scores` are higher for better; `weight` is the opinion's, where the given order has 1.
    """
    if len(scores) != len(fused):
        raise ValueError(f"{len(fused)} passages need as many scores, not {len(scores)}")
    by_opinion = sorted(range(len(fused)), key=lambda place: -scores[place])
    opinion = {place: rank for rank, place in enumerate(by_opinion, start=1)}
    shares = {
        place: 1.0 / (_OPINION_K + place + 1) + weight / (_OPINION_K + rank)
        for place, rank in opinion.items()
    }
    order = sorted(shares, key=lambda place: (-shares[place], place))
    return [fused[place] for place in order]


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
    """The easiest passage of each document, best document first; those of tables alone last.

    Running text is easier than what holds a table or has less than about two sentences.
    """
    best: dict[DocumentId, FusedPassage] = {}
    for candidate in fused:
        key = candidate.passage.document_id
        if key not in best or _difficulty(candidate) < _difficulty(best[key]):
            best[key] = candidate
    return sorted(best.values(), key=lambda one: _difficulty(one) == _TABLE)


def _difficulty(fused: FusedPassage) -> int:
    """What a small model has with it: it retells tables worst, and makes much of few words."""
    text = fused.passage.text
    if text.lstrip().startswith("|"):
        return _TABLE
    return int("\n|" in text or len(text.split()) < _TERSE_WORDS)


@lru_cache(maxsize=_TEXTS_KNOWN)
def _shingles(text: str) -> _Shingles:
    words = _WORD.findall(text.lower())
    grams = zip(*(words[n:] for n in range(_SHINGLE_WORDS)), strict=False)
    return frozenset(map(hash, grams if len(words) >= _SHINGLE_WORDS else (tuple(words),)))


def _twin(
    candidate: FusedPassage,
    shingles: _Shingles,
    kept: Sequence[FusedPassage],
    told: Sequence[_Shingles],
) -> int | None:
    """The first of the kept that leaves nothing new to the candidate."""
    size = len(shingles)
    for place, other in enumerate(told):
        alike = len(shingles & other) >= _DUPLICATE_CONTAINMENT * min(size, len(other))
        no_longer = size <= _MUCH_LONGER * len(other)
        if alike and no_longer and not _numbers(candidate) - _numbers(kept[place]):
            return place
    return None


def _numbers(one: FusedPassage) -> set[str]:
    return set(_NUMBER.findall(one.passage.text))


def _with_place(kept: FusedPassage, twin: FusedPassage) -> FusedPassage:
    places = dict.fromkeys((*kept.also_in, twin.passage.place, *twin.also_in))
    # What a tool has found again stands nowhere else for that.
    places.pop(kept.passage.place, None)
    return replace(kept, also_in=tuple(places)[:_MOST_ALSO_IN])
