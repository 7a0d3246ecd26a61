"""Words of a page put together to lines, with the size of type that their ink suggests."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from adapters.docling.pdf_geometry import Box, around, rows_of

_DESCENDERS = frozenset("gjpqyçß()[]{}|/@;,Q§$")
_ONLY_X_HEIGHT = re.compile(r"^[acemnorsuvwxz.,:;~\-–—+=]+$")
# Ink height in ems by what stands above and below the line; typical of text faces.
_EM_BOTH, _EM_ABOVE, _EM_BELOW, _EM_NEITHER = 0.94, 0.74, 0.75, 0.54
_EM_BOXED = 0.925
_WORD_GAP_EMS = 1.1


@dataclass(frozen=True, slots=True)
class Word:
    """A word; `boxed` when its box is as tall as the font's line, not as the word's ink."""

    box: Box
    text: str
    bold: bool
    font: str = ""
    boxed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Words beside one another; `size` is the type size in points."""

    box: Box
    text: str
    size: float
    bold: bool


def word_size(word: Word) -> float:
    """The type size in points, as far as the word's letters tell."""
    return _type_size(word.text, word.box.height, word.boxed)


def with_boxed_fonts(pages: Sequence[Sequence[Word]]) -> list[list[Word]]:
    """Mark the words of fonts whose boxes are equally tall whatever the letters in them."""
    votes: Counter[str] = Counter()
    for words in pages:
        rows: dict[tuple[str, int], dict[float, float]] = {}
        for word in words:
            row = rows.setdefault((word.font, round(word.box.top * 2)), {})
            row.setdefault(_ems(word.text), word.box.height)
        for (font, _), heights in rows.items():
            if len(heights) > 1:
                alike = max(heights.values()) < 1.03 * min(heights.values())
                votes[font] += 1 if alike else -1
    usual = sum(votes.values())
    return [
        [replace(word, boxed=votes.get(word.font, usual) > 0) for word in words] for words in pages
    ]


def _ems(text: str) -> float:
    low = any(c in _DESCENDERS for c in text)
    high = _ONLY_X_HEIGHT.match(text) is None
    if low and high:
        return _EM_BOTH
    return _EM_ABOVE if high else _EM_BELOW if low else _EM_NEITHER


def _type_size(text: str, height: float, boxed: bool) -> float:
    return height / (_EM_BOXED if boxed else _ems(text))


def lines_of(words: Sequence[Word]) -> list[Line]:
    """Join words into lines; a gap wider than a letter starts another line beside the first."""
    lines: list[Line] = []
    for row in rows_of(words, lambda word: word.box):
        run: list[Word] = []
        size = median(word_size(word) for word in row)
        for word in row:
            if run and word.box.left - run[-1].box.right > _WORD_GAP_EMS * size:
                lines.append(_line(run))
                run = []
            run.append(word)
        if run:
            lines.append(_line(run))
    return lines


def _line(words: list[Word]) -> Line:
    box = around([word.box for word in words])
    text = " ".join(word.text for word in words)
    bold = sum(word.bold for word in words) * 2 > len(words)
    size = _type_size(text, box.height, all(word.boxed for word in words))
    return Line(box=box, text=text, size=size, bold=bold)
