"""The pages of a PDF as one document: furniture dropped, levels given, breaks healed."""

import re
from collections import Counter
from dataclasses import dataclass, replace

from adapters.docling.pdf_geometry import rows_of
from adapters.docling.pdf_page import PageInk, Part, Role, parts_of
from adapters.docling.pdf_words import Word, join_lines, lines_of

_MARGIN, _NUMBER_MARGIN = 0.09, 0.13
_SAME_SIZE = 0.05
_MAX_LEVEL = 6
_PAGE_NUMBER = re.compile(
    r"^(?:page|seite|p\.?|s\.?)?\s*#(?:\s*(?:of|/|von|\|)\s*#)?$", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?:;…][\"'”’)]*$")


@dataclass(frozen=True, slots=True)
class InkedPage:
    number: int
    height: float
    ink: PageInk


@dataclass(frozen=True, slots=True)
class PlacedPart:
    """`level` counts from 1 for headings and is 0 for everything else."""

    page: int
    part: Part
    level: int = 0


def document_parts(pages: list[InkedPage]) -> list[PlacedPart]:
    """All parts of a document in reading order."""
    kept = _without_furniture(pages)
    sizes: Counter[float] = Counter()
    for page in kept:
        for word in page.ink.words:
            sizes[round(word.size, 1)] += len(word.text)
    body = _weighted_median(sizes)
    placed = [PlacedPart(page.number, part) for page in kept for part in parts_of(page.ink, body)]
    return _with_levels(_healed(placed))


def _weighted_median(sizes: Counter[float]) -> float:
    """The type size of the letter in the middle when all are sorted by it."""
    half = sum(sizes.values()) / 2
    for size in sorted(sizes):
        half -= sizes[size]
        if half <= 0:
            return size
    return 10.0


def _without_furniture(pages: list[InkedPage]) -> list[InkedPage]:
    """Drop lines of the margins that come back on half of the pages, and page numbers."""
    seen: Counter[str] = Counter()
    for page in pages:
        seen.update({_signature(row) for row in _margin_rows(page)})
    often = max(2, len(pages) / 2)
    kept: list[InkedPage] = []
    for page in pages:
        dropped = {
            id(word)
            for row in _margin_rows(page)
            if seen[_signature(row)] >= often or _PAGE_NUMBER.match(_signature(row))
            for word in row
        }
        words = [word for word in page.ink.words if id(word) not in dropped]
        kept.append(replace(page, ink=replace(page.ink, words=words)))
    return kept


def _margin_rows(page: InkedPage) -> list[list[Word]]:
    edge = page.height * _MARGIN
    outside = [
        word
        for word in page.ink.words
        if word.box.bottom < edge or word.box.top > page.height - edge
    ]
    return rows_of(outside, lambda word: word.box) + _number_rows(page)


def _number_rows(page: InkedPage) -> list[list[Word]]:
    """The first and last row of a page, where it is a number that stands a little further in."""
    rows = rows_of(page.ink.words, lambda word: word.box)
    ends = [row for row in (rows[:1] + rows[-1:]) if _PAGE_NUMBER.match(_signature(row))]
    edge = page.height * _NUMBER_MARGIN
    return [row for row in ends if row[0].box.bottom < edge or row[0].box.top > page.height - edge]


def _signature(row: list[Word]) -> str:
    return re.sub(r"\d+", "#", " ".join(line.text for line in lines_of(row)))


def _healed(placed: list[PlacedPart]) -> list[PlacedPart]:
    """Join a paragraph or table with its other half on the next page."""
    healed: list[PlacedPart] = []
    for item in placed:
        last = healed[-1] if healed else None
        joined = _joined(last, item) if last and last.page < item.page else None
        if joined:
            healed[-1] = joined
        else:
            healed.append(item)
    return healed


def _joined(before: PlacedPart, after: PlacedPart) -> PlacedPart | None:
    a, b = before.part, after.part
    if a.role is Role.TABLE and b.role is Role.TABLE and len(a.rows[0]) == len(b.rows[0]):
        rows = b.rows[1:] if b.rows[0] == a.rows[0] else b.rows
        return replace(before, part=replace(a, rows=a.rows + rows))
    goes_on = a.role in (Role.TEXT, Role.LIST_ITEM) and b.role is Role.TEXT
    if goes_on and b.text[:1].islower() and not _SENTENCE_END.search(a.text):
        return replace(before, part=replace(a, text=join_lines([a.text, b.text])))
    return None


def _with_levels(placed: list[PlacedPart]) -> list[PlacedPart]:
    """Give headings levels: the largest is 1; of one size, the style that comes first is higher."""
    headings = [item.part for item in placed if item.part.role is Role.HEADING]
    groups = _alike_sizes({part.size for part in headings})
    styles = list(dict.fromkeys((groups[part.size], part.slanted) for part in headings))
    ranked = sorted(styles, key=lambda style: (style[0], styles.index(style)))
    levels = {style: min(level, _MAX_LEVEL) for level, style in enumerate(ranked, start=1)}
    return [
        replace(item, level=levels[(groups[item.part.size], item.part.slanted)])
        if item.part.role is Role.HEADING
        else item
        for item in placed
    ]


def _alike_sizes(sizes: set[float]) -> dict[float, int]:
    """Which of the sizes are one, counted from 1 for the largest."""
    groups: dict[float, int] = {}
    group, current = 0, float("inf")
    for size in sorted(sizes, reverse=True):
        if size < current * (1 - _SAME_SIZE):
            group, current = group + 1, size
        groups[size] = group
    return groups
