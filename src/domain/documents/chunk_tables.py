"""Tables in chunks; a split table repeats its caption and header in every part.

A table too wide for that becomes records: one line a row, each cell named by its column.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from domain.documents.chunk_pieces import ChunkKind, Piece, PieceLimits, text_pieces
from domain.documents.chunk_text import TokenCounter
from domain.documents.converted_text import NEW_BLOCK, Span
from domain.documents.markdown_table import (
    MarkdownTable,
    markdown_table,
    one_line,
    without_blanks,
)
from domain.documents.structure import Table

_ROW_BREAK_TOKENS = 1


def table_pieces(
    table: Table, start: int, limits: PieceLimits, count: TokenCounter
) -> Iterator[Piece]:
    """A table in one piece while it fits, else groups of rows, else named cells."""
    table = without_blanks(table)
    if not table.rows and not table.header:
        caption = one_line(table.caption)
        yield from text_pieces(caption, (start, start + len(caption)), table.page, limits, count)
        return
    cut = _Cut(table=table, markdown=markdown_table(table), start=start, limits=limits, count=count)
    for index, piece in enumerate(cut.pieces()):
        yield piece if index else replace(piece, glue=NEW_BLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """One table on its way into pieces; `start` is where its text begins."""

    table: Table
    markdown: MarkdownTable
    start: int
    limits: PieceLimits
    count: TokenCounter

    def pieces(self) -> Iterator[Piece]:
        head, rows = self.markdown.head, self.markdown.rows
        whole = "\n".join([head, *rows])
        tokens = self.count(whole)
        if tokens <= self.limits.whole:
            yield self._piece(whole, tokens, (self.start, self.start + len(whole)))
            return
        head_tokens = self.count(head)
        if head_tokens > self.limits.whole // 2:
            yield from self._records()
        else:
            yield from self._groups(head_tokens)

    def _groups(self, head_tokens: int) -> Iterator[Piece]:
        names: Sequence[str] | None = None
        lines: list[str] = []
        start, size = self.start, head_tokens
        spans = self._row_spans()
        for line, cells, span in zip(self.markdown.rows, self.table.rows, spans, strict=True):
            tokens = self.count(line) + _ROW_BREAK_TOKENS
            fits = head_tokens + tokens <= self.limits.whole
            if (lines and size + tokens > self.limits.whole) or (not fits and start < span[0]):
                # The head alone goes before a first row that is too long to stand below it.
                yield self._group(lines, size, (start, span[0] - 1))
                lines, size = [], head_tokens
                start = span[0]
            if fits:
                lines.append(line)
                size += tokens
                continue
            names = self._names() if names is None else names
            yield from self._record(cells, names, span)
            start = span[1] + 1
        if lines:
            yield self._group(lines, size, (start, spans[-1][1]))

    def _records(self) -> Iterator[Piece]:
        """A table too wide to repeat its header: said once, then every row names its columns."""
        caption, head = len(self.markdown.caption), len(self.markdown.head)
        if caption:
            yield from self._prose(self.markdown.caption, (self.start, self.start + caption))
        header = (self.start + caption, self.start + head)
        yield from self._record(self.table.header, (), header)
        names = self._names()
        for row, span in zip(self.table.rows, self._row_spans(), strict=True):
            yield from self._record(row, names, span)

    def _record(self, cells: Sequence[str], names: Sequence[str], span: Span) -> Iterator[Piece]:
        """A row in one line, each cell named by its column; cell by cell when that is too long."""
        named = [
            f"{names[index]}: {text}" if index < len(names) and names[index] else text
            for index, text in enumerate(one_line(cell) for cell in cells)
            if text
        ]
        line = "; ".join(named)
        fits = self.count(line) <= self.limits.whole
        for text in ([line] if fits else named) if named else ():
            yield from self._prose(text, span)

    def _names(self) -> list[str]:
        """Column names, empty where one is too long to be said with every cell."""
        names = [one_line(name) for name in self.table.header]
        return [name if self.count(name) <= self.limits.cut // 4 else "" for name in names]

    def _row_spans(self) -> list[Span]:
        spans, at = [], self.start + len(self.markdown.head) + 1
        for row in self.markdown.rows:
            spans.append((at, at + len(row)))
            at += len(row) + 1
        return spans

    def _prose(self, text: str, span: Span) -> Iterator[Piece]:
        pieces = text_pieces(text, span, self.table.page, self.limits, self.count, ChunkKind.TABLE)
        for index, piece in enumerate(pieces):
            yield replace(piece, span=span) if index else replace(piece, span=span, glue="\n")

    def _group(self, rows: list[str], tokens: int, span: Span) -> Piece:
        return self._piece("\n".join([self.markdown.head, *rows]), tokens, span)

    def _piece(self, text: str, tokens: int, span: Span) -> Piece:
        page = self.table.page
        return Piece(text=text, tokens=tokens, kind=ChunkKind.TABLE, page=page, span=span)
