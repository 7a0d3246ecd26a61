"""Tables that a PDF's own tags tell of: which marked text stands in which cell of which row."""

import ctypes
from collections.abc import Iterator, Sequence

from adapters.docling import pdf_calls as calls
from adapters.docling.pdf_geometry import around
from adapters.docling.pdf_tables import PdfTable
from adapters.docling.pdf_words import Word, join_lines, lines_of

_MAX_DEEP, _MAX_ELEMENTS = 40, 50_000
_CELLS = frozenset({"TD", "TH"})
_NAME_BYTES = 64
# Of each cell of each row, the marks of its text.
_Grid = list[list[list[int]]]


def tagged_tables(page: int, words: Sequence[Word]) -> tuple[list[PdfTable], list[Word]]:
    """Tables by their tags, and the words that stand in none of them.

    Tags arrange what can be seen, and never add to it. Where they make no grid, the drawing tells.
    """
    if not any(word.mark >= 0 for word in words):
        return [], list(words)
    tree = calls.tags_of_page(page)
    if not tree:
        return [], list(words)
    try:
        grids = _Tags(tree).grids()
    finally:
        calls.close_tags(tree)
    by_mark: dict[int, list[Word]] = {}
    for word in words:
        by_mark.setdefault(word.mark, []).append(word)
    tables: list[PdfTable] = []
    placed: set[int] = set()
    for grid in grids:
        inside = [word for row in grid for cell in row for m in cell for word in by_mark.get(m, ())]
        rows = [[_text(cell, by_mark) for cell in row] for row in grid]
        if len(rows[0]) > 1 and sum(bool(cell) for row in rows for cell in row) > 1:
            tables.append(PdfTable(box=around([word.box for word in inside]), rows=rows))
            placed.update(map(id, inside))
    return tables, [word for word in words if id(word) not in placed]


def _text(cell: Sequence[int], by_mark: dict[int, list[Word]]) -> str:
    words = [word for mark in cell for word in by_mark.get(mark, ())]
    return join_lines([line.text for line in lines_of(words)])


class _Tags:
    """The tree of a page's tags, walked up to a limit."""

    def __init__(self, tree: int) -> None:
        self._tree = tree
        self._left = _MAX_ELEMENTS
        self._seen: set[int] = set()
        self._name = ctypes.create_string_buffer(_NAME_BYTES)
        self._name_at = ctypes.addressof(self._name)

    def grids(self) -> list[_Grid]:
        """The tables whose rows have as many cells as one another."""
        found: list[_Grid] = []
        for index in range(calls.count_tags(self._tree)):
            self._look(calls.tag(self._tree, index), found, 0)
        return [grid for grid in found if len({len(row) for row in grid}) == 1]

    def _look(self, element: int, found: list[_Grid], depth: int) -> None:
        if not element or depth > _MAX_DEEP:
            return
        if self._kind(element) == "Table":
            found.append([row for row in self._rows(element, depth) if row])
            return
        for child in self._children(element):
            self._look(child, found, depth + 1)

    def _rows(self, element: int, depth: int) -> Iterator[list[list[int]]]:
        """Rows wherever they stand in the table: in its head, its body or right in it."""
        if depth > _MAX_DEEP:
            return
        for child in self._children(element):
            if self._kind(child) == "TR":
                cells = [cell for cell in self._children(child) if self._kind(cell) in _CELLS]
                yield [self._marks(cell, depth) for cell in cells]
            else:
                yield from self._rows(child, depth + 1)

    def _marks(self, element: int, depth: int) -> list[int]:
        """Each mark of a page is given out once: no words are told twice."""
        if depth > _MAX_DEEP:
            return []
        marks: list[int] = []
        for index in range(calls.count_tag_children(element)):
            self._left -= 1
            if self._left < 0:
                break
            mark = calls.child_mark(element, index)
            child = calls.child_tag(element, index)
            if mark >= 0 and mark not in self._seen:
                self._seen.add(mark)
                marks.append(mark)
            marks += self._marks(child, depth + 1) if child else []
        return marks

    def _children(self, element: int) -> Iterator[int]:
        for index in range(calls.count_tag_children(element)):
            self._left -= 1
            if self._left < 0:
                return
            if child := calls.child_tag(element, index):
                yield child

    def _kind(self, element: int) -> str:
        """The name of a tag, which is written in pairs of bytes."""
        if calls.tag_kind(element, self._name_at, _NAME_BYTES) > _NAME_BYTES:
            return ""
        return self._name.raw.decode("utf-16-le", "replace").partition("\0")[0]
