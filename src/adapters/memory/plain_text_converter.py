"""A document converter for plain text formats, in process: for tests and small tools."""

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from application.ports.document_converter import PagesRead
from domain.documents.document import DocumentUnreadable
from domain.documents.media import MediaType
from domain.documents.structure import (
    Block,
    BulletList,
    DocumentStructure,
    Heading,
    Paragraph,
    Table,
)

_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_ITEM = re.compile(r"^(\s*)(?:[-*+]|(\d+[.)]))\s+(.+)$")
_RULE_ROW = re.compile(r"^\|?[\s:|-]*-[\s:|-]*\|?$")
_INDENT = 2


class PlainTextConverter:
    """A `DocumentConverter` for Markdown, plain text and CSV."""

    async def convert(
        self,
        *,
        filename: str,
        media_type: MediaType,
        content: bytes,
        progress: PagesRead | None = None,
    ) -> DocumentStructure:
        if media_type not in (MediaType.MARKDOWN, MediaType.TEXT, MediaType.CSV):
            raise DocumentUnreadable(
                "only Markdown, plain text and CSV can be read here", field="content"
            )
        text = content.decode("utf-8-sig", "replace")
        read = {MediaType.CSV: _csv_blocks, MediaType.TEXT: _text_blocks}
        blocks = tuple(read.get(media_type, _markdown_blocks)(text))
        if not blocks:
            raise DocumentUnreadable("the file holds no text that could be read", field="content")
        if progress:
            await progress(1, 1)
        first = next((block.text for block in blocks if isinstance(block, Heading)), "")
        return DocumentStructure(title=first or PurePosixPath(filename).stem, blocks=blocks)


def _text_blocks(text: str) -> list[Block]:
    parts = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n"))
    return [Paragraph(text=part.strip("\n")) for part in parts if part.strip()]


def _csv_blocks(text: str) -> list[Block]:
    first_line = text.split("\n", 1)[0]
    delimiter = ";" if first_line.count(";") > first_line.count(",") else ","
    rows = [
        row
        for row in csv.reader(io.StringIO(text), delimiter=delimiter)
        if any(map(str.strip, row))
    ]
    return [_table(rows)] if rows else []


def _table(rows: list[list[str]]) -> Table:
    width = max(len(row) for row in rows)
    padded = [(*row, *[""] * (width - len(row))) for row in rows]
    return Table(header=padded[0], rows=tuple(padded[1:]))


@dataclass(slots=True)
class _Open:
    """Lines that belong to the block being read."""

    prose: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def close(self) -> list[Block]:
        closed: list[Block] = []
        if self.prose:
            closed.append(Paragraph(text=" ".join(self.prose)))
        if self.items:
            closed.append(BulletList(items=tuple(self.items)))
        if self.rows:
            closed.append(_table(self.rows))
        self.prose, self.items, self.rows = [], [], []
        return closed


def _markdown_blocks(text: str) -> list[Block]:
    blocks: list[Block] = []
    reading = _Open()
    for line in text.splitlines():
        stripped = line.strip()
        if heading := _HEADING.match(stripped):
            blocks += reading.close()
            blocks.append(Heading(text=heading[2], level=len(heading[1])))
        elif not stripped:
            blocks += reading.close()
        elif stripped.startswith("|"):
            blocks += [] if reading.rows else reading.close()
            if not _RULE_ROW.match(stripped):
                reading.rows.append([cell.strip() for cell in stripped.strip("|").split("|")])
        elif item := _ITEM.match(line):
            blocks += [] if reading.items else reading.close()
            indent = "  " * (len(item[1].expandtabs()) // _INDENT)
            reading.items.append(indent + (f"{item[2]} " if item[2] else "") + item[3])
        else:
            blocks += [] if reading.prose else reading.close()
            reading.prose.append(stripped)
    return blocks + reading.close()
