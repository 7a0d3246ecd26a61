"""Tables of a PDF page: those drawn with rules, and those that only stand in line."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from adapters.docling.pdf_geometry import Box, Region, around, rows_of, split_columns
from adapters.docling.pdf_words import Line, Word, join_lines, lines_of

_TOUCH_POINTS = 1.5
_SAME_RULE_POINTS = 3.0
_MAX_RULES = 1_500
_OTHER_TYPE = 0.12
_CELL_PITCH = 1.12


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


def around_table(
    grid: Sequence[Sequence[Line]],
) -> tuple[list[list[Line]], list[list[Line]], list[list[Line]]]:
    """Rows above a table, its own, and those below.

    Those are lines alone that are set in another type, or further off than rows of the table.
    """
    rows = [list(row) for row in grid]
    cells = [line for row in rows if len(row) > 1 for line in row]
    if not cells:
        return [], rows, []
    size = median([line.size for line in cells])
    first = next(i for i, row in enumerate(rows) if not _stands_apart(row, size))
    last = next(i for i, row in enumerate(reversed(rows)) if not _stands_apart(row, size))
    end = min(len(rows) - last, _end_by_space(rows))
    return rows[:first], rows[first:end], rows[end:]


def _end_by_space(rows: Sequence[Sequence[Line]]) -> int:
    """Where a line alone stands further below than rows before it, and no column goes on."""
    tops = [min(line.box.top for line in row) for row in rows]
    widest, starts = 0.0, set[float]()
    for index, row in enumerate(rows):
        gap = tops[index] - tops[index - 1] if index else 0.0
        far = bool(widest) and len(row) == 1 and gap > _CELL_PITCH * widest
        if far and not any(_begins_at(line, starts) for rest in rows[index:] for line in rest[1:]):
            return index
        if len(row) > 1:
            widest = max(widest, gap)
            starts.update(line.box.left for line in row[1:])
    return len(rows)


def _begins_at(line: Line, starts: set[float]) -> bool:
    return any(abs(line.box.left - start) <= _SAME_RULE_POINTS for start in starts)


def _stands_apart(row: Sequence[Line], size: float) -> bool:
    return len(row) == 1 and abs(row[0].size - size) > _OTHER_TYPE * size


def aligned_table(region: Region[Line]) -> PdfTable | None:
    """A grid of lines without rules, when two rows or more share two columns or more."""
    lines = [line for row in region.grid for line in row]
    columns = split_columns(lines, lambda line: line.box)
    if len(columns) < 2 or sum(len(row) > 1 for row in region.grid) < 2:
        return None
    rows = _rows_of_cells(columns) or _rows_of_lines(region, columns)
    return PdfTable(box=around([line.box for line in lines]), rows=rows)


def _rows_of_lines(region: Region[Line], columns: Sequence[Sequence[Line]]) -> list[list[str]]:
    """Rows as the lines stand; one without a first cell goes on with the row above."""
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
    return rows


def _rows_of_cells(columns: Sequence[Sequence[Line]]) -> list[list[str]]:
    """Rows of cells of several lines, told by the space between cells; none where it is not told.

    Lines of one cell stand closer than lines of two. Cells of one row overlap in height.
    """
    sorted_columns = [sorted(column, key=lambda line: line.box.top) for column in columns]
    pitches = [b.box.top - a.box.top for column in sorted_columns for a, b in pairwise(column)]
    close = [pitch for pitch in pitches if pitch > _TOUCH_POINTS]
    if not close or max(close) <= _CELL_PITCH * min(close):
        return []
    limit = _CELL_PITCH * min(close)
    cells = [
        (index, group)
        for index, column in enumerate(sorted_columns)
        for group in _close_lines(column, limit)
    ]
    rows: list[list[str]] = []
    for row in rows_of(cells, lambda cell: around([line.box for line in cell[1]])):
        if len({index for index, _ in row}) < len(row):
            return []
        texts = [""] * len(columns)
        for index, group in row:
            texts[index] = join_lines([line.text for line in group])
        rows.append(texts)
    return rows


def _close_lines(column: Sequence[Line], limit: float) -> list[list[Line]]:
    groups: list[list[Line]] = []
    for line in column:
        if groups and line.box.top - groups[-1][-1].box.top <= limit:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


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
