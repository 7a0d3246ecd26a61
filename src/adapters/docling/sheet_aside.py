"""Cells of a sheet in rows and columns that are not shown."""

import re
from collections.abc import Iterator

from lxml import etree

from adapters.docling.office_parts import S

_LETTERS = re.compile(r"[A-Z]{1,3}")
_MOST_COLUMNS = 16_384
# What a filter or a closed outline keeps back is one click away, and nobody hides there.
_FILTERS = (f"{S}autoFilter", f"{S}tableParts")


def cells_aside(root: etree._Element) -> list[list[etree._Element]]:
    """Row by row, those that nobody sees without changing the sheet; no empty rows."""
    columns = _columns_aside(root)
    is_filtered = any(root.find(name) is not None for name in _FILTERS)
    rows = (
        list(row.iter(f"{S}c"))
        if _is_aside(row, "ht") and not is_filtered
        else [cell for at, cell in _placed(row) if at in columns]
        for row in root.iter(f"{S}row")
    )
    return [row for row in rows if row]


def _columns_aside(root: etree._Element) -> frozenset[int]:
    """Their numbers, from 1."""
    return frozenset(
        number
        for column in root.iterfind(f"{S}cols/{S}col")
        if _is_aside(column, "width")
        for number in range(
            int(column.get("min") or 1), min(int(column.get("max") or 1), _MOST_COLUMNS) + 1
        )
    )


def _is_aside(line: etree._Element, size: str) -> bool:
    if line.get("outlineLevel", "0") != "0":
        return False
    return line.get("hidden") in ("1", "true") or float(line.get(size) or 1) == 0


def _placed(row: etree._Element) -> Iterator[tuple[int, etree._Element]]:
    """Each cell with the number of its column; one that does not say it follows the last."""
    at = 0
    for cell in row.iter(f"{S}c"):
        letters = _LETTERS.match(cell.get("r") or "")
        at = _number(letters[0]) if letters else at + 1
        yield at, cell


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
