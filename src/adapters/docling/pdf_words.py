"""Words of a page put together to lines, with the size of type that their ink suggests."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from adapters.docling.pdf_geometry import Box, around, rows_of

_DESCENDERS = frozenset("gjpqyçß()[]{}|/@;,Q§$")
_ONLY_X_HEIGHT = re.compile(r"^[acemnorsuvwxz.,:;~\-–—+=]+$")
# Ink height in ems by what stands above and below the line; typical of text faces.
_EM_BOTH, _EM_ABOVE, _EM_BELOW, _EM_NEITHER = 0.94, 0.74, 0.75, 0.54
_WORD_GAP_EMS = 1.1


@dataclass(frozen=True, slots=True)
class Word:
    box: Box
    text: str
    bold: bool


@dataclass(frozen=True, slots=True)
class Line:
    """Words beside one another; `size` is the type size in points."""

    box: Box
    text: str
    size: float
    bold: bool


def type_size(text: str, ink_height: float) -> float:
    low = any(c in _DESCENDERS for c in text)
    high = _ONLY_X_HEIGHT.match(text) is None
    if low and high:
        return ink_height / _EM_BOTH
    return ink_height / (_EM_ABOVE if high else _EM_BELOW if low else _EM_NEITHER)


def lines_of(words: Sequence[Word]) -> list[Line]:
    """Join words into lines; a gap wider than a letter starts another line beside the first."""
    lines: list[Line] = []
    for row in rows_of(words, lambda word: word.box):
        run: list[Word] = []
        size = median(type_size(word.text, word.box.height) for word in row)
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
    return Line(box=box, text=text, size=type_size(text, box.height), bold=bold)
