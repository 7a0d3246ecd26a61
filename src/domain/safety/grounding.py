"""Which sentences of an answer stand on which sources, and whether a number it names holds.

Lexical on purpose: it explains itself, costs microseconds, and errs towards saying "unsupported".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from domain.words import COMMON_WORDS

_WORD = re.compile(r"[^\W\d_]{3,}")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CITATION = re.compile(r"\[(\d{1,3})\]")
_CITATIONS = re.compile(r"\[\d{1,3}\](?:[\s,;]*\[\d{1,3}\])*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_LIST_NUMBER = re.compile(r"^\s*\d{1,3}[.)](?:\s+|$)", re.MULTILINE)
_SUPPORT = 0.5
_MIN_WORDS = 4
# A draft is held against the same sources three times; about 10 KB each.
_TEXTS_KNOWN = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounding:
    """`cited` are 1-based numbers of sources in reading order; `unsupported` are sentences."""

    cited: tuple[int, ...]
    unsupported: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Numbers that an answer names: `followed` with right; `unfollowed` each with what it names."""

    followed: tuple[int, ...] = ()
    unfollowed: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Content:
    words: frozenset[str]
    numbers: frozenset[str]

    @property
    def claims(self) -> bool:
        """Whether it says enough to be held against a source."""
        return len(self.words) >= _MIN_WORDS or bool(self.numbers)

    def stands_in(self, source: "_Content") -> bool:
        """At least half of its words are the source's, and every number is."""
        return (
            bool(self.words or self.numbers)
            and len(self.words & source.words) >= _SUPPORT * len(self.words)
            and self.numbers <= source.numbers
        )


def ground(answer: str, sources: Sequence[str], known: str = "") -> Grounding:
    """Match each sentence with the sources; `known` is text that needs no source (the question).

    A sentence is supported by the source that shares most of its content words, if that is at least
    half of them and every number in the sentence stands in some source or in `known`. Only a source
    in which all of its numbers stand counts as cited.
    """
    read, told = [_content(source) for source in sources], _content(known)
    numbers = told.numbers.union(*(source.numbers for source in read))
    cited: set[int] = set()
    unsupported: list[str] = []
    for sentence in sentences(_CITATION.sub("", answer)):
        said = _content(sentence)
        best = _best_source(said.words, [source.words for source in read])
        if best is not None and said.numbers <= read[best - 1].numbers:
            cited.add(best)
        if not said.numbers <= numbers or (best is None and _claims(said.words, told.words)):
            unsupported.append(sentence)
    return Grounding(cited=tuple(sorted(cited)), unsupported=tuple(unsupported))


def follows(text: str, source: str, question: str = "") -> bool:
    """Whether every sentence that claims something stands in this source, by words and numbers.

    A text that says nothing of the source but what the question said already does not follow it.
    """
    read, asked = _content(source), _content(question)
    said = [_content(sentence) for sentence in sentences(_CITATION.sub("", text))]
    claims = [content for content in said if content.claims]
    taken = any(
        (c.words & read.words) - asked.words or (c.numbers & read.numbers) - asked.numbers
        for c in claims
    )
    return taken and all(content.stands_in(read) for content in claims)


def named_sources(answer: str, sources: Sequence[str]) -> Named:
    """Hold each number that the answer names, such as [2], against what it stands behind.

    That is its own sentence, or the last one before it that claims something; numbers of no source
    are left out. A number with right in one place counts as followed.
    """
    read = [_content(source) for source in sources]
    followed: set[int] = set()
    unfollowed: list[tuple[int, str]] = []
    for text, numbers in _naming(answer):
        said = sentences(text)
        contents = [_content(sentence) for sentence in said]
        ends = [*contents[-1:], *[content for content in contents if content.claims][-1:]]
        for number in (number for number in numbers if 1 <= number <= len(read)):
            if any(content.stands_in(read[number - 1]) for content in ends):
                followed.add(number)
            else:
                unfollowed.append((number, said[-1] if said else ""))
    return Named(followed=tuple(sorted(followed)), unfollowed=tuple(unfollowed))


def _naming(answer: str) -> Iterator[tuple[str, list[int]]]:
    """Each text between citations, with the numbers that stand behind it."""
    start = 0
    for group in _CITATIONS.finditer(answer):
        yield answer[start : group.start()], [int(n) for n in _CITATION.findall(group[0])]
        start = group.end()


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


def _claims(words: frozenset[str], known: frozenset[str]) -> bool:
    return len(words) >= _MIN_WORDS and len(words & known) < _SUPPORT * len(words)


@lru_cache(maxsize=_TEXTS_KNOWN)
def _content(text: str) -> _Content:
    words = frozenset(word.lower() for word in _WORD.findall(text)) - COMMON_WORDS
    return _Content(words, frozenset(_NUMBER.findall(text)))
