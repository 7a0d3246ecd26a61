"""Words of a page put together to lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from adapters.docling.pdf_geometry import Box, around, rows_of

_WORD_GAP_EMS = 1.1


@dataclass(frozen=True, slots=True)
class Word:
    """`size` is the type size in points; `glued` when no space stands before the word.

    `mark` is what the tags of the page know it by, -1 when they do not.
    """

    box: Box
    text: str
    bold: bool
    size: float
    glued: bool = False
    slanted: bool = False
    mark: int = -1


@dataclass(frozen=True, slots=True)
class Line:
    """Words beside one another; `size` is the type size in points."""

    box: Box
    text: str
    size: float
    bold: bool
    slanted: bool = False


def lines_of(words: Sequence[Word]) -> list[Line]:
    """Join words into lines; a gap wider than a letter starts another line beside the first."""
    lines: list[Line] = []
    for row in rows_of(words, lambda word: word.box):
        run: list[Word] = []
        size = median([word.size for word in row])
        for word in row:
            if run and word.box.left - run[-1].box.right > _WORD_GAP_EMS * size:
                lines.append(_line(run))
                run = []
            run.append(word)
        if run:
            lines.append(_line(run))
    return lines


def is_right_to_left(letter: str) -> bool:
    """Hebrew, Arabic and the scripts beside them."""
    return "\u0590" <= letter <= "\u08ff" or "\ufb1d" <= letter <= "\ufefc"


def _line(words: list[Word]) -> Line:
    if sum(is_right_to_left(word.text[0]) for word in words) * 2 > len(words):
        words = words[::-1]
    text = words[0].text
    for word in words[1:]:
        text += word.text if word.glued else f" {word.text}"
    letters = sum(len(word.text) for word in words)
    bold = sum(len(word.text) for word in words if word.bold) * 2 > letters
    longest = max(words, key=lambda word: len(word.text))
    box = around([word.box for word in words])
    return Line(box=box, text=text, size=longest.size, bold=bold, slanted=longest.slanted)


def join_lines(lines: Sequence[str]) -> str:
    """Join the lines of a paragraph, healing words that were hyphenated at a line's end."""
    text = ""
    for line in lines:
        if re.search(r"[a-zäöüß]-$", text) and line[:1].islower():
            text = text[:-1] + line
        else:
            text = f"{text} {line}" if text else line
    return text.replace("\u00ad", "")
