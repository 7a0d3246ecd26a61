"""How many tokens a text has at most, where the model's vocabulary is not known."""

import re

_PIECES = re.compile(r"([A-Z]?[a-z]+)|([ \t]+)|(\s)|([^\sa-zA-Z]|[A-Z])")


def most_tokens(text: str) -> int:
    """Two letters of a word, or one byte of anything else, are taken for one token each.

    Prose in any language stays below; words of random letters may not.
    """
    total = 0
    for word, blanks, line_end, other in _PIECES.findall(text):
        if word:
            total += (len(word) + 1) // 2
        elif blanks:
            total += len(blanks) - 1
        else:
            total += len((line_end or other).encode("utf-8", "replace"))
    return total


def cut_to(text: str, tokens: int) -> str:
    """The longest beginning of `text` that surely has at most so many tokens."""
    if most_tokens(text) <= tokens:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        fits, too_long = (
            (middle, too_long) if most_tokens(text[:middle]) <= tokens else (fits, middle)
        )
    return text[:fits]
