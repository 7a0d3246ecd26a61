"""Tables as Markdown, without the rows and columns that hold nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.documents.structure import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkdownTable:
    """`caption` is one line, maybe empty; `names` are the header's line and the rule below it."""

    caption: str
    names: str
    rows: tuple[str, ...]

    @property
    def head(self) -> str:
        """What each part of a split table begins with."""
        return "\n".join([self.caption, "", self.names] if self.caption else [self.names])


def one_line(text: str) -> str:
    return " ".join(text.split())


def table_text(table: Table) -> str:
    """Caption, header and rows; the caption alone when there is no cell."""
    table = without_blanks(table)
    if not table.rows and not table.header:
        return one_line(table.caption)
    markdown = markdown_table(table)
    return "\n".join([markdown.head, *markdown.rows])


def markdown_table(table: Table) -> MarkdownTable:
    """The lines of a table that has cells."""
    width = max(len(table.header), max((len(row) for row in table.rows), default=0))
    header = (*table.header, *[""] * (width - len(table.header)))
    return MarkdownTable(
        caption=one_line(table.caption),
        names=_row(header) + "\n|" + " --- |" * width,
        rows=tuple(_row(row) for row in table.rows),
    )


def without_blanks(table: Table) -> Table:
    """Leave out rows and columns that hold nothing; spreadsheets are full of them."""
    rows = [row for row in table.rows if any(cell.strip() for cell in row)]
    used = {i for row in (table.header, *rows) for i, cell in enumerate(row) if cell.strip()}
    width = max((len(row) for row in (table.header, *rows)), default=0)
    kept = [i for i in range(width) if i in used]

    def narrow(row: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(row[i] if i < len(row) else "" for i in kept)

    header = narrow(table.header) if any(cell.strip() for cell in table.header) else ()
    return replace(table, header=header, rows=tuple(narrow(row) for row in rows))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(one_line(cell).replace("|", "\\|") for cell in cells) + " |"
