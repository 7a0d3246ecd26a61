"""Texts cut to a number of tokens, at a word's end, and marked where they were cut."""

from bisect import bisect_right
from collections.abc import Callable, Sequence

CountTokens = Callable[[str], int]
CUT = "…"


def shortened(text: str, budget: int, count_tokens: CountTokens) -> str:
    """The text, or as many of its first words as fit, with a mark where it was cut."""
    if count_tokens(text) <= budget:
        return text
    words = text.split()
    fits = bisect_right(range(len(words)), budget, key=lambda n: count_tokens(_beginning(words, n)))
    return _beginning(words, max(fits - 1, 0))


def _beginning(words: Sequence[str], count: int) -> str:
    return " ".join([*words[:count], CUT])
