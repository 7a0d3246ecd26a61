"""Which phrases a set of passages is about: frequent, spread over passages, not common words."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from domain.words import COMMON_WORDS

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    """`count` over all passages; `passages` is how many of them hold the phrase."""

    phrase: str
    count: int
    passages: int


def keywords(texts: Sequence[str], limit: int) -> tuple[Keyword, ...]:
    """The `limit` strongest one- and two-word phrases; ties in alphabetical order."""
    counts: Counter[str] = Counter()
    spread: Counter[str] = Counter()
    for text in texts:
        found = _phrases(text)
        counts.update(found)
        spread.update(set(found))
    weights = {
        phrase: count * spread[phrase] * len(phrase.split()) for phrase, count in counts.items()
    }
    best = sorted(weights, key=lambda phrase: (-weights[phrase], phrase))[:limit]
    return tuple(Keyword(phrase=p, count=counts[p], passages=spread[p]) for p in best)


def _phrases(text: str) -> list[str]:
    words = [word.lower() for word in _WORD.findall(text)]
    singles = [word for word in words if word not in COMMON_WORDS and len(word) > 3]
    pairs = pairwise(words)
    doubles = [
        f"{a} {b}" for a, b in pairs if not {a, b} & COMMON_WORDS and min(len(a), len(b)) > 2
    ]
    return singles + doubles
