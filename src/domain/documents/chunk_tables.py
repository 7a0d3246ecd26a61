"""Tables as Markdown; a split table repeats its caption and header in every part."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from domain.documents.chunk_pieces import ChunkKind, Piece, PieceLimits, prose_pieces
from domain.documents.chunk_text import TokenCounter, one_line
from domain.documents.structure import Table

_ROW_BREAK_TOKENS = 1


def table_pieces(table: Table, limits: PieceLimits, count: TokenCounter) -> Iterator[Piece]:
    """A table in one piece while it fits, else groups of rows, else rows cell by cell."""
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
    yield from _split_table(table, head, rows, limits, count)


def _split_table(
    table: Table, head: str, rows: list[str], limits: PieceLimits, count: TokenCounter
) -> Iterator[Piece]:
    head_tokens = count(head)
    if head_tokens > limits.whole // 2:
        yield from _prose(table.caption, table, limits, count)
        yield from _cells(table.header, (), table, limits, count)
        head, head_tokens = "", 0
    group: list[str] = []
    size, head_shown = head_tokens, not head
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
        yield from _cells(cells, table.header, table, limits, count)
    if group:
        yield _group(head, group, size, table)
    elif not head_shown:
        yield _piece(head, head_tokens, table)


def _cells(
    cells: Sequence[str],
    header: Sequence[str],
    table: Table,
    limits: PieceLimits,
    count: TokenCounter,
) -> Iterator[Piece]:
    """A row that fits no chunk: one line a cell, named by its column when the name is short."""
    for index, cell in enumerate(cells):
        text = one_line(cell)
        if not text:
            continue
        name = one_line(header[index]) if index < len(header) else ""
        if name and count(name) <= limits.cut // 4:
            text = f"{name}: {text}"
        yield from _prose(text, table, limits, count)


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
