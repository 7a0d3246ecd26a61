"""Tables of a PDF page: those drawn with rules, and those that only stand in line."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from adapters.docling.pdf_geometry import Box, Region, around, split_columns
from adapters.docling.pdf_words import Line, Word, lines_of

_TOUCH_POINTS = 1.5
_SAME_RULE_POINTS = 3.0
_MAX_RULES = 1_500


@dataclass(frozen=True, slots=True)
class PdfTable:
    box: Box
    rows: list[list[str]]


@dataclass(slots=True)
class _Frame:
    """Rules that touch one another."""

    box: Box
    rules: list[Box]


def ruled_tables(rules: Sequence[Box], words: Sequence[Word]) -> list[PdfTable]:
    """Find grids of at least two rows or columns among the page's straight lines."""
    if len(rules) > _MAX_RULES:
        return []
    tables = [_table(frame, words) for frame in _frames(rules)]
    return [table for table in tables if table is not None]


def aligned_table(region: Region[Line]) -> PdfTable | None:
    """A grid of lines without rules, when two rows or more share two columns or more."""
    lines = [line for row in region.grid for line in row]
    columns = split_columns(lines, lambda line: line.box)
    if len(columns) < 2 or sum(len(row) > 1 for row in region.grid) < 2:
        return None
    place = {id(line): index for index, column in enumerate(columns) for line in column}
    rows: list[list[str]] = []
    for row in region.grid:
        cells = [""] * len(columns)
        for line in row:
            cells[place[id(line)]] = f"{cells[place[id(line)]]} {line.text}".strip()
        if rows and not cells[0]:
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    return PdfTable(box=around([line.box for line in lines]), rows=rows)


def _frames(rules: Sequence[Box]) -> list[_Frame]:
    frames: list[_Frame] = []
    for rule in sorted(rules, key=lambda rule: rule.top):
        touching = [frame for frame in frames if _touch(frame.box, rule)]
        joined = [box for frame in touching for box in frame.rules] + [rule]
        frames = [frame for frame in frames if frame not in touching]
        frames.append(_Frame(around(joined), joined))
    return frames


def _touch(a: Box, b: Box) -> bool:
    across = a.left - _TOUCH_POINTS <= b.right and b.left - _TOUCH_POINTS <= a.right
    return across and a.top - _TOUCH_POINTS <= b.bottom and b.top - _TOUCH_POINTS <= a.bottom


def _table(frame: _Frame, words: Sequence[Word]) -> PdfTable | None:
    uprights = [rule for rule in frame.rules if rule.height > rule.width]
    ys = _positions([(r.top + r.bottom) / 2 for r in frame.rules if r.width >= r.height])
    xs = _positions([(r.left + r.right) / 2 for r in uprights])
    if len(ys) < 2 or len(xs) < 2 or len(ys) + len(xs) < 5:
        return None
    inside = [word for word in words if frame.box.holds_middle_of(word.box)]
    rows: list[list[str]] = []
    for top, bottom in pairwise(ys):
        cells = [""] * (len(xs) - 1)
        beside = [w for w in inside if top <= (w.box.top + w.box.bottom) / 2 <= bottom]
        for first, last in _spans(xs, uprights, (top + bottom) / 2):
            cell = Box(xs[first], top, xs[last], bottom)
            found = [word for word in beside if cell.holds_middle_of(word.box, slack=0)]
            cells[first] = " ".join(line.text for line in lines_of(found))
        rows.append(cells)
    return PdfTable(frame.box, rows) if any(any(row) for row in rows) else None


def _spans(xs: list[float], uprights: list[Box], y: float) -> list[tuple[int, int]]:
    """Which columns make one cell at height `y`: those with no rule between them."""
    spans: list[tuple[int, int]] = []
    first = 0
    for index in range(1, len(xs)):
        ends = index == len(xs) - 1 or any(
            abs((rule.left + rule.right) / 2 - xs[index]) <= _SAME_RULE_POINTS
            and rule.top <= y <= rule.bottom
            for rule in uprights
        )
        if ends:
            spans.append((first, index))
            first = index
    return spans


def _positions(values: list[float]) -> list[float]:
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value - kept[-1] > _SAME_RULE_POINTS:
            kept.append(value)
    return kept
