"""Where the words of a question stand in a text."""

import re
import unicodedata
from collections.abc import Iterator

from domain.documents.language import frequent_words, language_of
from domain.retrieval.spelling import UNSPACED
from domain.words import COMMON_WORDS

# An accent, or a vowel, may be a character of its own.
_MARKS = "".join(chr(n) for n in range(0x300, 0x3100) if unicodedata.category(chr(n))[0] == "M")
_WORD = re.compile(f"(?P<run>[{UNSPACED}]+)|[^\\W{UNSPACED}](?:[^\\W{UNSPACED}]|[{_MARKS}\u00ad])*")
_SHORTEST_STEM = 4
_ENDING = 3
_MOST = 200

Span = tuple[int, int]


def highlights(text: str, question: str) -> tuple[Span, ...]:
    """Half-open spans, in characters (code points), in order, without overlap; at most 200.

    A word matches in any case, with or without accents, and with another ending: "prices" finds
    "price" and "pricing"; where no space parts words, two letters of it that stand together match.
    Words common in English or in the text's language are sought only when there are no others.
    Matches with nothing but white space between them are one span.
    """
    common = COMMON_WORDS | {_folded(word) for word in frequent_words(language_of(text))}
    words = {word for _, _, word in _words(question, longest=True)}
    wanted = {word for word in words if word not in common} or words
    spans: list[Span] = []
    for start, end, found in _words(text):
        if not any(_same(found, word) for word in wanted):
            continue
        if spans and not text[spans[-1][1] : start].strip():
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        elif len(spans) == _MOST:
            break
        else:
            spans.append((start, end))
    return tuple(spans)


def _words(text: str, *, longest: bool = False) -> Iterator[tuple[int, int, str]]:
    """Words and where they stand; without spaces each letter and each two, or the `longest`."""
    for match in _WORD.finditer(text):
        start, end = match.span()
        if match["run"] is None:
            yield start, end, _folded(match[0])
            continue
        for n in range(start, end):
            if not longest or end - start == 1:
                yield n, n + 1, text[n]
            if n + 1 < end:
                yield n, n + 2, text[n : n + 2]


def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold().replace("\u00ad", ""))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _same(word: str, sought: str) -> bool:
    if word == sought:
        return True
    if any(letter.isdigit() for letter in word + sought):
        return False
    shared = 0
    for one, other in zip(word, sought, strict=False):
        if one != other:
            break
        shared += 1
    longest = max(len(word), len(sought))
    return shared >= _SHORTEST_STEM and longest - shared <= _ENDING
