"""The names in a question: what stands in quotes, in capitals in mid-sentence, or with digits."""

import re

_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»\n]{2,60})[\"”“»]")
_WORD = re.compile(r"[^\W_]+(?:[-'’&.][^\W_]+)*")
_SENTENCE_END = re.compile(r"[.!?:]\s*$")
_MOST = 8


def names_in(question: str) -> tuple[str, ...]:
    """At most eight, in their order; words in capitals that follow one another are one name."""
    found = [match[1].strip() for match in _QUOTED.finditer(question)]
    words = list(_WORD.finditer(question))
    # In a question all in capitals they say nothing.
    capitals = sum(_is_capital(word[0]) for word in words)
    telling = 4 * capitals <= 3 * len(words)
    run: list[str] = []
    end = 0
    for place, word in enumerate(words):
        between = question[end : word.start()]
        begins = place == 0 or _SENTENCE_END.search(question[: word.start()]) is not None
        named = _has_digit(word[0]) or (telling and _is_capital(word[0]) and not begins)
        if run and (not named or between.strip()):
            found.append(" ".join(run))
            run = []
        if named:
            run.append(word[0])
        end = word.end()
    if run:
        found.append(" ".join(run))
    return tuple(dict.fromkeys(name for name in found if len(name) > 1))[:_MOST]


def _is_capital(word: str) -> bool:
    return word[0].isupper() and len(word) > 1


def _has_digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)
