"""Which sentences of an answer stand on which sources, and which stand on none.

Lexical on purpose: it explains itself, costs microseconds, and errs towards saying "unsupported".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.words import COMMON_WORDS

_WORD = re.compile(r"[^\W\d_]{3,}")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CITATION = re.compile(r"\[(\d{1,3})\]")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LIST_NUMBER = re.compile(r"^\s*\d{1,3}[.)](?:\s+|$)", re.MULTILINE)
_SUPPORT = 0.5
_MIN_WORDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding:
    """`cited` are 1-based numbers of sources in reading order; `unsupported` are sentences."""

    cited: tuple[int, ...]
    unsupported: tuple[str, ...]


def ground(answer: str, sources: Sequence[str], known: str = "") -> Grounding:
    """Match each sentence with the sources; `known` is text that needs no source (the question).

    A sentence is supported by the source that shares most of its content words, if that is at least
    half of them and every number in the sentence stands in some source or in `known`.
    """
    word_sets = [_words(source) for source in sources]
    known_words = _words(known)
    numbers = set(_NUMBER.findall("\n".join([*sources, known])))
    cited: list[int] = []
    unsupported: list[str] = []
    for sentence in sentences(_CITATION.sub("", answer)):
        best = _best_source(_words(sentence), word_sets)
        if best is not None and best not in cited:
            cited.append(best)
        numbers_stand = set(_NUMBER.findall(sentence)) <= numbers
        if not numbers_stand or (best is None and _claims(sentence, known_words)):
            unsupported.append(sentence)
    return Grounding(cited=tuple(sorted(cited)), unsupported=tuple(unsupported))


def cited_numbers(answer: str, sources: int) -> tuple[int, ...]:
    """The source numbers that the answer itself names, such as [2], if there are such sources."""
    named = {int(number) for number in _CITATION.findall(answer)}
    return tuple(sorted(number for number in named if 1 <= number <= sources))


def sentences(text: str) -> list[str]:
    """Split at sentence ends and line breaks; empty ones and the numbers of lists are left out."""
    parts = _SENTENCE_END.split(_LIST_NUMBER.sub("", text))
    return [part.strip() for part in parts if part.strip()]


def _best_source(words: frozenset[str], sources: Sequence[frozenset[str]]) -> int | None:
    if len(words) < _MIN_WORDS or not sources:
        return None
    shares = [len(words & source) / len(words) for source in sources]
    best = max(range(len(shares)), key=shares.__getitem__)
    return best + 1 if shares[best] >= _SUPPORT else None


def _claims(sentence: str, known: frozenset[str]) -> bool:
    words = _words(sentence)
    return len(words) >= _MIN_WORDS and len(words & known) < _SUPPORT * len(words)


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text)) - COMMON_WORDS
