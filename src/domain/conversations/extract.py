"""A summary without a model: the sentences that say most, in their own words and order.

It invents nothing, which a small model does as soon as it is asked to sum up.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

from domain.conversations.turn import Turn
from domain.safety.grounding import sentences
from domain.shortening import CountTokens, shortened
from domain.words import COMMON_WORDS

ASKED, ANSWERED = "Asked: ", "Answered: "
_CITATIONS = re.compile(r"\s*\[\d{1,3}\]")
_MARKUP = re.compile(r"^[#>*\-\s]+|[*`]{1,3}")
_WORD = re.compile(r"[^\W_]+(?:[-.,:'][^\W_]+)*")
# What a word is worth: a number, a name, any other that is not common.
_NUMBER, _NAME, _OTHER = 3.0, 2.0, 1.0
# Members set the terms; an agent's answer can be written again.
_OF_MEMBERS, _OF_AGENTS = 2.0, 1.0
_FIRST_SENTENCE = 1.25
_MOST_SENTENCES = 12
_MOST_SENTENCE_TOKENS = 48


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    weight: float
    words: dict[str, float]
    tokens: int


def extracted(before: str, turns: Sequence[Turn], *, budget: int, count_tokens: CountTokens) -> str:
    """The new summary, in at most `budget` tokens: of the one `before` and of `turns`.

    Lines are chosen by what they add to those already chosen, for their length, and stand in the
    order in which they were said.
    """
    lines = [_line(text, weight, count_tokens) for text, weight in _told(before, turns)]
    chosen: set[int] = set()
    known: set[str] = set()
    while True:
        gains = {
            n: _gain(line, known)
            for n, line in enumerate(lines)
            if n not in chosen and line.tokens <= budget
        }
        # The later of two that say as much: what was said last holds.
        best = max(gains, key=lambda n: (gains[n], n), default=None)
        if best is None or gains[best] <= 0:
            return "\n".join(lines[n].text for n in sorted(chosen))
        chosen.add(best)
        known |= lines[best].words.keys()
        budget -= lines[best].tokens


def _told(before: str, turns: Sequence[Turn]) -> Iterator[tuple[str, float]]:
    for line in before.splitlines():
        if line.strip():
            of_agent = line.startswith(ANSWERED)
            yield line.strip(), (_OF_AGENTS if of_agent else _OF_MEMBERS) * _FIRST_SENTENCE
    for turn in turns:
        yield from _said(ASKED, turn.question, _OF_MEMBERS)
        yield from _said(ANSWERED, turn.answer, _OF_AGENTS)


def _said(who: str, text: str, weight: float) -> Iterator[tuple[str, float]]:
    for number, sentence in enumerate(sentences(_CITATIONS.sub("", text))[:_MOST_SENTENCES]):
        plain = _MARKUP.sub("", sentence).strip()
        if plain:
            yield f"{who}{plain}", weight * (1.0 if number else _FIRST_SENTENCE)


def _line(text: str, weight: float, count_tokens: CountTokens) -> _Line:
    cut = shortened(text, _MOST_SENTENCE_TOKENS, count_tokens)
    return _Line(cut, weight, _words(cut), count_tokens(cut) + 1)


def _words(line: str) -> dict[str, float]:
    _, _, said = line.partition(": ")
    worth: dict[str, float] = {}
    for place, word in enumerate(_WORD.findall(said or line)):
        if any(character.isdigit() for character in word):
            worth[word] = _NUMBER
        elif word.lower() not in COMMON_WORDS and len(word) > 2:
            named = word[0].isupper() and place > 0
            worth[word.lower()] = _NAME if named else _OTHER
    return worth


def _gain(line: _Line, known: set[str]) -> float:
    fresh = sum(worth for word, worth in line.words.items() if word not in known)
    return line.weight * fresh / sqrt(line.tokens)
