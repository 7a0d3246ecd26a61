"""CSV as one table, whatever separates its fields."""

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from itertools import islice
from pathlib import PurePosixPath

from adapters.docling.refusal import Refused
from domain.documents.structure import DocumentStructure, Table

MAX_CELLS = 1_000_000
_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50


def read_csv(filename: str, text: str) -> DocumentStructure:
    """The first row is the header; short rows are filled up with empty cells.

    Raises Refused: no field holds anything, or too many of them.
    """
    csv.field_size_limit(sys.maxsize)
    delimiter = max(_DELIMITERS, key=lambda mark: _fit(text, mark))
    rows = [tuple(cell.strip() for cell in row) for row in _rows(text, delimiter) if any(row)]
    width = max((len(row) for row in rows), default=0)
    if width * len(rows) > MAX_CELLS:
        raise Refused(f"the table has more than {MAX_CELLS:,} cells; split it")
    if not any(any(row) for row in rows):
        raise Refused("the file holds no text that could be read")
    header, *body = (row + ("",) * (width - len(row)) for row in rows)
    title = PurePosixPath(filename).stem or filename
    return DocumentStructure(title=title, blocks=(Table(header=header, rows=tuple(body)),))


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    # Lines end with a line feed alone: other marks of a line's end are parts of a cell.
    return csv.reader(StringIO(text, newline="\n"), delimiter=delimiter)


def _fit(text: str, delimiter: str) -> tuple[int, int]:
    """How well a delimiter explains the first rows: rows of one width, then that width."""
    sample = "\n".join(text.split("\n", _SAMPLE_ROWS)[:_SAMPLE_ROWS])
    widths = Counter(len(row) for row in islice(_rows(sample, delimiter), _SAMPLE_ROWS) if row)
    wide = {width: rows for width, rows in widths.items() if width > 1}
    if not wide:
        return (0, 0)
    width, rows = max(wide.items(), key=lambda item: item[1])
    return (rows, width)
