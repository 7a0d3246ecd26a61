"""Tables as Markdown; a split table repeats its caption and header in every part.

A table too wide for that becomes records: one line a row, each cell named by its column.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from domain.documents.chunk_pieces import NEW_BLOCK, ChunkKind, Piece, PieceLimits, prose_pieces
from domain.documents.chunk_text import TokenCounter, one_line
from domain.documents.structure import Table

_ROW_BREAK_TOKENS = 1


def table_pieces(table: Table, limits: PieceLimits, count: TokenCounter) -> Iterator[Piece]:
    """A table in one piece while it fits, else groups of rows, else named cells."""
    table = _without_blanks(table)
    if not table.rows and not table.header:
        yield from prose_pieces(table.caption, table.page, limits, count)
        return
    head = _head(table)
    rows = [_row(row) for row in table.rows]
    whole = "\n".join([head, *rows])
    tokens = count(whole)
    if tokens <= limits.whole:
        yield _piece(whole, tokens, table)
        return
    for index, piece in enumerate(_split_table(table, head, rows, limits, count)):
        yield piece if index else replace(piece, glue=NEW_BLOCK)


def _split_table(
    table: Table, head: str, rows: list[str], limits: PieceLimits, count: TokenCounter
) -> Iterator[Piece]:
    head_tokens = count(head)
    if head_tokens > limits.whole // 2:
        yield from _records(table, limits, count)
        return
    group: list[str] = []
    size, head_shown = head_tokens, False
    for line, cells in zip(rows, table.rows, strict=True):
        tokens = count(line) + _ROW_BREAK_TOKENS
        if group and size + tokens > limits.whole:
            yield _group(head, group, size, table)
            group, size, head_shown = [], head_tokens, True
        if head_tokens + tokens <= limits.whole:
            group.append(line)
            size += tokens
            continue
        if not head_shown:
            yield _piece(head, head_tokens, table)
            head_shown = True
        yield from _record(cells, _names(table, limits, count), table, limits, count)
    if group:
        yield _group(head, group, size, table)
    elif not head_shown:
        yield _piece(head, head_tokens, table)


def _records(table: Table, limits: PieceLimits, count: TokenCounter) -> Iterator[Piece]:
    """A table too wide to repeat its header: said once, then every row names its columns."""
    yield from _prose(table.caption, table, limits, count)
    yield from _record(table.header, (), table, limits, count)
    names = _names(table, limits, count)
    for row in table.rows:
        yield from _record(row, names, table, limits, count)


def _record(
    cells: Sequence[str],
    names: Sequence[str],
    table: Table,
    limits: PieceLimits,
    count: TokenCounter,
) -> Iterator[Piece]:
    """A row in one line, each cell named by its column; cell by cell when that is too long."""
    named = [
        f"{names[index]}: {text}" if index < len(names) and names[index] else text
        for index, text in enumerate(one_line(cell) for cell in cells)
        if text
    ]
    line = "; ".join(named)
    fits = count(line) <= limits.whole
    for text in [line] if fits else named:
        yield from _prose(text, table, limits, count)


def _names(table: Table, limits: PieceLimits, count: TokenCounter) -> list[str]:
    """Column names, empty where one is too long to be said with every cell."""
    names = [one_line(name) for name in table.header]
    return [name if count(name) <= limits.cut // 4 else "" for name in names]


def _prose(text: str, table: Table, limits: PieceLimits, count: TokenCounter) -> Iterator[Piece]:
    pieces = prose_pieces(one_line(text), table.page, limits, count, ChunkKind.TABLE)
    for index, piece in enumerate(pieces):
        yield piece if index else replace(piece, glue="\n")


def _group(head: str, rows: list[str], tokens: int, table: Table) -> Piece:
    return _piece("\n".join([head, *rows] if head else rows), tokens, table)


def _piece(text: str, tokens: int, table: Table) -> Piece:
    return Piece(text=text, tokens=tokens, kind=ChunkKind.TABLE, page=table.page)


def _head(table: Table) -> str:
    width = max(len(table.header), max((len(row) for row in table.rows), default=0))
    header = (*table.header, *[""] * (width - len(table.header)))
    lines = [_row(header), "|" + " --- |" * width]
    caption = one_line(table.caption)
    return "\n".join([caption, "", *lines] if caption else lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(one_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _without_blanks(table: Table) -> Table:
    """Leave out rows and columns that hold nothing; spreadsheets are full of them."""
    rows = [row for row in table.rows if any(cell.strip() for cell in row)]
    used = {i for row in (table.header, *rows) for i, cell in enumerate(row) if cell.strip()}
    width = max((len(row) for row in (table.header, *rows)), default=0)
    kept = [i for i in range(width) if i in used]

    def narrow(row: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(row[i] if i < len(row) else "" for i in kept)

    header = narrow(table.header) if any(cell.strip() for cell in table.header) else ()
    return replace(table, header=header, rows=tuple(narrow(row) for row in rows))
