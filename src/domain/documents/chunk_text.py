"""Cutting text where it hurts least: between sentences, then between words, then anywhere."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

# A lower-case letter after the stop means an abbreviation ("e.g. this"), not a new sentence.
_BOUNDARY = re.compile(r"(?<=[.!?…])[\"'”’)\]]*(\s+)(?![a-z])|(?<=[。！？])(\s*)(?=\S)|(\s*\n\s*)")
_CHARACTERS_PER_TOKEN = 4


class TokenCounter:
    """Counts tokens of a piece without the fixed cost (start and end marks) of a whole text."""

    def __init__(self, count_tokens: Callable[[str], int]) -> None:
        self.whole = count_tokens
        self._fixed = count_tokens("")

    def __call__(self, text: str) -> int:
        return max(self.whole(text) - self._fixed, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A part of a text; `glue` stood between it and the part before."""

    text: str
    tokens: int
    glue: str


def sentences(text: str) -> Iterator[tuple[str, str]]:
    """Yield (glue, sentence): joined in order they give `text` with its white space collapsed."""
    start, glue = 0, ""
    for match in _BOUNDARY.finditer(text):
        space = next((group for group in match.groups() if group is not None), "")
        end = match.end() - len(space)
        if text[start:end].strip():
            yield glue, text[start:end].strip()
            glue = "\n" if "\n" in space else space[:1]
        start = match.end()
    if text[start:].strip():
        yield glue, text[start:].strip()


def cut_text(text: str, *, limit: int, word_limit: int, count: TokenCounter) -> list[Cut]:
    """Cut `text` into sentences of at most `limit` tokens; a longer one into `word_limit` parts."""
    cuts: list[Cut] = []
    for glue, sentence in sentences(text):
        tokens = count(sentence)
        if tokens <= limit:
            cuts.append(Cut(text=sentence, tokens=tokens, glue=glue))
            continue
        parts = list(_cut_words(sentence, word_limit, count))
        cuts.append(Cut(text=parts[0].text, tokens=parts[0].tokens, glue=glue))
        cuts.extend(parts[1:])
    return cuts


def first_words(text: str, limit: int, count: TokenCounter) -> str:
    """Return the beginning of `text` that costs at most `limit` tokens."""
    return next((cut.text for cut in _cut_words(text, limit, count)), "")


def last_words(text: str, limit: int, count: TokenCounter) -> str:
    """Return whole words from the end of `text` that cost at most `limit` tokens, maybe none."""
    words = text.rsplit(maxsplit=limit)[-limit:]
    while words and count(" ".join(words)) > limit:
        words = words[(len(words) + 1) // 2 :]
    return " ".join(words)


def _cut_words(text: str, limit: int, count: TokenCounter) -> Iterator[Cut]:
    for tokens, words in _runs(text.split(), " ", limit, limit, count):
        if tokens <= limit:
            yield Cut(text=words, tokens=tokens, glue=" ")
            continue
        glue = " "
        step = limit * _CHARACTERS_PER_TOKEN
        for part_tokens, part in _runs(words, "", step, limit, count):
            yield Cut(text=part, tokens=part_tokens, glue=glue)
            glue = ""


def _runs(
    atoms: Sequence[str], joiner: str, step: int, limit: int, count: TokenCounter
) -> Iterator[tuple[int, str]]:
    """Take runs of atoms of at most `limit` tokens, guessing each length from the run before."""
    start = 0
    while start < len(atoms):
        run = joiner.join(atoms[start : start + step])
        tokens = count(run)
        while tokens > limit and step > 1:
            step = max(1, min(step - 1, step * limit // tokens))
            run = joiner.join(atoms[start : start + step])
            tokens = count(run)
        yield tokens, run
        start += step
        step = max(1, min(step * 2, step * limit // max(tokens, 1)))
