"""Where the words of a question stand in a text."""

import re
import unicodedata

from domain.words import COMMON_WORDS

# An accent may be a character of its own.
_WORD = re.compile("\\w[\\w\u0300-\u036f]*")
_SHORTEST_STEM = 4
_ENDING = 3
_MOST = 200

Span = tuple[int, int]


def highlights(text: str, question: str) -> tuple[Span, ...]:
    """Half-open spans, in characters (code points), in order, without overlap; at most 200.

    A word matches in any case, with or without accents, and with another ending: "prices" finds
    "price" and "pricing". Common words are sought only when there are no others. Matches with
    nothing but white space between them are one span.
    """
    words = {_folded(match[0]) for match in _WORD.finditer(question)}
    sought = {word for word in words if word not in COMMON_WORDS} or words
    spans: list[Span] = []
    for match in _WORD.finditer(text):
        if not any(_same(_folded(match[0]), word) for word in sought):
            continue
        if spans and not text[spans[-1][1] : match.start()].strip():
            spans[-1] = (spans[-1][0], match.end())
        elif len(spans) == _MOST:
            break
        else:
            spans.append(match.span())
    return tuple(spans)


def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold())
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
