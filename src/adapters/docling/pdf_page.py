"""One PDF page as the parts people see: headings, paragraphs, list items, tables, pictures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from adapters.docling.pdf_geometry import Box, Region, Vast, around, reading_regions
from adapters.docling.pdf_tables import PdfTable, aligned_table, around_table, ruled_tables
from adapters.docling.pdf_words import Line, Word, join_lines, lines_of
from domain.documents.structure import HiddenKind

_BULLET = re.compile(r"^(?:[•▪●◦‣○■□➢➤✓✔·\ue000-\uf8ff]\s*|[-–*]\s+)(?=\S)")
_NUMBER = re.compile(r"^(?:\d{1,2}[.)]|[a-z][)])\s+(?=\S)")
_LONE_MARK = re.compile(r"^(?:[•▪●◦‣○■□➢➤✓✔·\ue000-\uf8ff–*-]|\d{1,2}[.)]|[a-z][)])$")
_LINE_PITCH_EMS = 1.65
_HEADING_LINES = 3
_HEADING_CHARACTERS = 160


class Role(Enum):
    TEXT = "text"
    HEADING = "heading"
    LIST_ITEM = "list_item"
    TABLE = "table"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Part:
    """`size` is the type size, `slanted` its italics; `rows` belong to tables only."""

    role: Role
    box: Box
    text: str = ""
    size: float = 0.0
    slanted: bool = False
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class PageInk:
    """What is drawn on a page, in points from the top left.

    `vast` tells which of the pictures have too many pixels to be drawn. `aside` are words that
    stand upright or upside down; `tables` are those that tags tell of, and their words are nowhere
    else. `sizeless` counts texts of size 0, which have no place; `is_scan` when a picture takes up
    half of the page or more, `is_cut` when there was more on the page than is looked at.
    """

    words: list[Word]
    rules: list[Box]
    pictures: list[Box]
    vast: list[Vast] = field(default_factory=list)
    aside: list[Word] = field(default_factory=list)
    tables: list[PdfTable] = field(default_factory=list)
    hidden: list[tuple[HiddenKind, str]] = field(default_factory=list)
    sizeless: int = 0
    is_scan: bool = False
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class _Item:
    box: Box
    content: Line | PdfTable | None


def parts_of(page: PageInk, body_size: float) -> list[Part]:
    """The parts of a page in reading order."""
    ruled = ruled_tables(page.rules, page.words)
    # Words amid a tagged table that none of its cells names are still to be told.
    free = [w for w in page.words if not any(t.box.holds_middle_of(w.box) for t in ruled)]
    tables = [*page.tables, *ruled]
    items = [_Item(line.box, line) for line in _marks_joined(lines_of(free))]
    items += [_Item(table.box, table) for table in tables]
    items += [_Item(box, None) for box in page.pictures]
    parts: list[Part] = []
    waiting: list[Line] = []
    for region in reading_regions(items, lambda item: item.box):
        lines = [i.content for row in region.grid for i in row if isinstance(i.content, Line)]
        if len(lines) == sum(len(row) for row in region.grid):
            above, grid, below = around_table(_lines(region))
            table = aligned_table(Region(grid))
            if table is None:
                waiting += lines
                continue
            waiting += [line for row in above for line in row]
            parts += [*_paragraphs(waiting, body_size), _table_part(table)]
            waiting = [line for row in below for line in row]
            continue
        parts += _paragraphs(waiting, body_size)
        parts += _mixed(region, body_size)
        waiting = []
    return parts + _paragraphs(waiting, body_size) + _turned(page.aside)


def _turned(words: Sequence[Word]) -> list[Part]:
    """Turned text is read after the rest of the page, in the order of the file."""
    if not words:
        return []
    text = words[0].text
    for word in words[1:]:
        text += word.text if word.glued else f" {word.text}"
    return [Part(Role.TEXT, around([word.box for word in words]), text, words[0].size)]


def _marks_joined(lines: list[Line]) -> list[Line]:
    """A bullet or number that stands alone belongs to the text beside it."""
    joined: list[Line] = []
    for line in lines:
        mark = joined[-1] if joined else None
        beside = mark is not None and mark.box.right <= line.box.left
        if mark and beside and _LONE_MARK.match(mark.text) and _level(mark.box, line.box):
            box = around([mark.box, line.box])
            joined[-1] = replace(line, box=box, text=f"{mark.text} {line.text}")
        else:
            joined.append(line)
    return joined


def _level(a: Box, b: Box) -> bool:
    return min(a.bottom, b.bottom) > max(a.top, b.top)


def _lines(region: Region[_Item]) -> list[list[Line]]:
    return [[i.content for i in row if isinstance(i.content, Line)] for row in region.grid]


def _mixed(region: Region[_Item], body_size: float) -> list[Part]:
    parts: list[Part] = []
    for item in (item for row in region.grid for item in row):
        match item.content:
            case Line() as line:
                parts += _paragraphs([line], body_size)
            case PdfTable() as table:
                parts.append(_table_part(table))
            case None:
                parts.append(Part(Role.PICTURE, item.box))
    return parts


def _table_part(table: PdfTable) -> Part:
    return Part(Role.TABLE, table.box, rows=tuple(tuple(row) for row in table.rows))


def _paragraphs(lines: Sequence[Line], body_size: float) -> list[Part]:
    """Join lines that follow one another closely in the same type."""
    groups: list[list[Line]] = []
    for line in lines:
        if groups and _goes_on(groups[-1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return [_part(group, body_size) for group in groups]


def _goes_on(group: list[Line], line: Line) -> bool:
    first, last = group[0], group[-1]
    if _BULLET.match(line.text) or _NUMBER.match(line.text):
        return False
    alike = abs(last.size - line.size) <= 0.12 * max(last.size, line.size)
    pitch = line.box.top - last.box.top
    near = 0 < pitch <= _LINE_PITCH_EMS * max(last.size, line.size)
    overlaps = min(last.box.right, line.box.right) > max(last.box.left, line.box.left)
    if not (alike and near and overlaps and last.bold == line.bold):
        return False
    if _BULLET.match(first.text) or _NUMBER.match(first.text):
        return line.box.left > first.box.left + 2 or line.text[:1].islower()
    return True


def _part(group: list[Line], body_size: float) -> Part:
    box = around([line.box for line in group])
    text = join_lines([line.text for line in group])
    size = max(line.size for line in group)
    bullet = _BULLET.match(text)
    if bullet:
        return Part(Role.LIST_ITEM, box, text[bullet.end() :], size)
    short = len(group) <= _HEADING_LINES and len(text) <= _HEADING_CHARACTERS
    ends_open = not text.endswith((".", ",", ";"))
    large = size > 1.5 * body_size or (size > 1.15 * body_size and ends_open)
    bold = group[0].bold and size > 0.95 * body_size and ends_open
    if short and (large or bold) and any(c.isalpha() for c in text):
        return Part(Role.HEADING, box, text, size, slanted=group[0].slanted)
    if _NUMBER.match(text):
        return Part(Role.LIST_ITEM, box, text, size)
    return Part(Role.TEXT, box, text, size)
