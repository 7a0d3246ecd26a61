"""How well passages answer a question by their words, seen together: a cheap second look."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import log

from domain.retrieval.passage import Passage
from domain.words import COMMON_WORDS

_WORD = re.compile(r"\w+")
_STEM = 6
_HEADING_SHARE = 0.5
_PAIR_SHARE = 0.5
_SATURATION = 1.2
_LENGTH_SHARE = 0.6


def word_relevance(question: str, passages: Sequence[Passage]) -> tuple[float, ...]:
    """One score from 0 for each passage, in their order; higher is better.

    Okapi's saturation and length norm over the words of the question, weighted by how few of these
    passages hold them; headings count half, and words that stand beside each other in the question
    count more where they do so in the passage.

    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
    """
    words = _stems(question)
    telling = [word for word in words if word not in COMMON_WORDS] or words
    bodies = [_stems(passage.text) for passage in passages]
    heads = [_stems(" ".join((p.title, *p.section_path))) for p in passages]
    weights = _rarity(telling, [{*body, *head} for body, head in zip(bodies, heads, strict=True)])
    mean = sum(map(len, bodies)) / max(len(bodies), 1) or 1.0
    pairs = set(pairwise(telling))
    return tuple(
        _score(body, head, weights, pairs, len(body) / mean)
        for body, head in zip(bodies, heads, strict=True)
    )


def _score(
    body: Sequence[str],
    head: Sequence[str],
    weights: dict[str, float],
    pairs: set[tuple[str, str]],
    length: float,
) -> float:
    counts = Counter(body)
    above = set(head)
    norm = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * length)
    score = 0.0
    for word, weight in weights.items():
        count = counts[word]
        score += weight * (count * (_SATURATION + 1) / (count + norm) if count else 0.0)
        score += weight * _HEADING_SHARE * (word in above)
    beside = pairs & set(pairwise(body))
    return score + _PAIR_SHARE * sum(weights[one] + weights[other] for one, other in beside)


def _rarity(words: Sequence[str], passages: Sequence[set[str]]) -> dict[str, float]:
    total = len(passages)
    counts = {word: sum(word in passage for passage in passages) for word in words}
    return {word: log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in counts.items()}


def _stems(text: str) -> list[str]:
    return [word[:_STEM] for word in _WORD.findall(text.casefold())]
