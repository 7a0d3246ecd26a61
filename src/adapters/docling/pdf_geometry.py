"""Boxes on a page and the order in which people read them. Points; the origin is top left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Generic, TypeVar

MIN_GUTTER_POINTS = 9.0
MIN_PROSE_POINTS = 90.0
_MAX_ITEMS_FOR_COLUMNS = 3_000


@dataclass(frozen=True, slots=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def holds_middle_of(self, other: "Box", slack: float = 1.0) -> bool:
        x, y = (other.left + other.right) / 2, (other.top + other.bottom) / 2
        across = self.left - slack <= x <= self.right + slack
        return across and self.top - slack <= y <= self.bottom + slack


@dataclass(frozen=True, slots=True)
class Vast:
    """Where a picture stands that is never unpacked; `size` is its width and height in pixels."""

    box: Box
    size: tuple[int, int]


def around(boxes: Sequence[Box]) -> Box:
    # One pass, and nothing called in it: every word and line of every page comes by here.
    first = boxes[0]
    left, top, right, bottom = first.left, first.top, first.right, first.bottom
    for box in boxes:
        if box.left < left:
            left = box.left
        if box.top < top:
            top = box.top
        if box.right > right:
            right = box.right
        if box.bottom > bottom:
            bottom = box.bottom
    return Box(left, top, right, bottom)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Region(Generic[T]):
    """Items read one after another: `grid` is one row a list, several items to a row or not."""

    grid: list[list[T]]


def reading_regions(items: Sequence[T], box_of: Callable[[T], Box]) -> list[Region[T]]:
    """Cut a page into regions by the white space between them (XY-cut), in reading order.

    A band whose columns hold lines of text is read column by column; one whose columns are narrow
    stays a grid, to be read row by row.
    """
    done: list[Region[T]] = []
    stack = [list(items)]
    while stack:
        region = stack.pop()
        if len(region) < 2 or len(region) > _MAX_ITEMS_FOR_COLUMNS:
            done.extend(Region([row]) for row in rows_of(region, box_of))
            continue
        groups = _groups(rows_of(region, box_of), box_of)
        if len(groups) > 1:
            stack.extend([item for row in group for item in row] for group in reversed(groups))
            continue
        columns = split_columns(region, box_of)
        if len(columns) > 1 and _holds_prose(columns, box_of):
            stack.extend(reversed(columns))
        else:
            done.append(Region(groups[0]))
    return done


def rows_of(items: Sequence[T], box_of: Callable[[T], Box]) -> list[list[T]]:
    """Group items into bands that no horizontal line can cut, each from left to right."""
    rows: list[list[T]] = []
    bottom = float("-inf")
    for item in sorted(items, key=lambda item: box_of(item).top):
        box = box_of(item)
        # Descenders touch the next line's ascenders in tight setting: allow a little overlap.
        if rows and box.top < bottom - 0.3 * box.height:
            rows[-1].append(item)
            bottom = max(bottom, box.bottom)
        else:
            rows.append([item])
            bottom = box.bottom
    return [sorted(row, key=lambda item: box_of(item).left) for row in rows]


def split_columns(items: Sequence[T], box_of: Callable[[T], Box]) -> list[list[T]]:
    """Split items at the gutters that run through all of them, from left to right."""
    columns: list[list[T]] = []
    right = float("-inf")
    for item in sorted(items, key=lambda item: box_of(item).left):
        box = box_of(item)
        if columns and box.left - right < MIN_GUTTER_POINTS:
            columns[-1].append(item)
            right = max(right, box.right)
        else:
            columns.append([item])
            right = box.right
    return columns


def _groups(rows: list[list[T]], box_of: Callable[[T], Box]) -> list[list[list[T]]]:
    """Put rows together that share a gutter; a row across the gutter starts anew."""
    groups: list[list[list[T]]] = []
    gutters: list[tuple[float, float]] = []
    for row in rows:
        own = _gutters([box_of(item) for item in row])
        shared = _shared(gutters, own, around([box_of(item) for item in row]))
        if groups and shared:
            groups[-1].append(row)
            gutters = shared
        else:
            groups.append([row])
            gutters = own
    return groups


def _gutters(boxes: Sequence[Box]) -> list[tuple[float, float]]:
    """White stretches between the items of a row."""
    edges = split_columns(boxes, lambda box: box)
    spans = [around(column) for column in edges]
    return [(a.right, b.left) for a, b in pairwise(spans)]


def _shared(
    gutters: list[tuple[float, float]], own: list[tuple[float, float]], row: Box
) -> list[tuple[float, float]]:
    free = [(float("-inf"), row.left), *own, (row.right, float("inf"))]
    cuts = [(max(a, c), min(b, d)) for a, b in gutters for c, d in free if min(b, d) > max(a, c)]
    return [(a, b) for a, b in cuts if b - a >= MIN_GUTTER_POINTS]


def _holds_prose(columns: list[list[T]], box_of: Callable[[T], Box]) -> bool:
    whole = around([box_of(item) for column in columns for item in column])
    enough = max(MIN_PROSE_POINTS, 0.55 * whole.width / len(columns))
    return all(
        len(column) >= 2 and median(box_of(item).width for item in column) >= enough
        for column in columns
    )
