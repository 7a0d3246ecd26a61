"""A document's converted plain text: what the character spans of its chunks count in.

One block after another in reading order, an empty line between two. Headings, captions and list
items stand in one line each, lists with a dash, tables as Markdown; a block without words is left
out.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain

from domain.documents.markdown_table import one_line, table_text
from domain.documents.structure import (
    Block,
    BulletList,
    DocumentStructure,
    Heading,
    Paragraph,
    Picture,
    Table,
)

Span = tuple[int, int]
NEW_BLOCK = "\n\n"
_SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedBlock:
    """A block, its own text, and where that begins in the document's converted text."""

    block: Block
    text: str
    start: int

    @property
    def span(self) -> Span:
        return self.start, self.start + len(self.text)


def converted_text(structure: DocumentStructure) -> str:
    """The whole text, in characters (code points); empty for a document without words."""
    return joined(placed_blocks(structure))


def joined(blocks: Iterable[PlacedBlock]) -> str:
    """The same of all `placed_blocks` of a document."""
    return NEW_BLOCK.join(placed.text for placed in blocks)


def text_digest(structure: DocumentStructure) -> str:
    """SHA-256 of the whole text, lower-case hex."""
    return sha256(converted_text(structure).encode("utf-8", "surrogatepass")).hexdigest()


def placed_blocks(structure: DocumentStructure) -> Iterator[PlacedBlock]:
    """The blocks that have words, each with its place in `converted_text`."""
    start = 0
    for block in structure.blocks:
        if has_words(block):
            text = block_text(block)
            yield PlacedBlock(block=block, text=text, start=start)
            start += len(text) + len(NEW_BLOCK)


def block_text(block: Block) -> str:
    """What one block adds to the converted text."""
    match block:
        case Heading():
            return one_line(block.text)
        case Paragraph():
            return block.text.strip()
        case BulletList():
            return "\n".join(list_lines(block))
        case Table():
            return table_text(block)
        case Picture():
            return one_line(block.caption)


def list_lines(block: BulletList) -> list[str]:
    """One line an item, indented as deep as it is nested."""
    return [_bullet(item) for item in block.items if item.strip()]


def spans_of(parts: Sequence[str], source: str, within: Span) -> list[Span]:
    """Where each part stands in `source`.

    The parts are the characters of `source[within]` in order, white space aside; where they are
    not (a row that names its columns), each of them stands for all of it.
    """
    start, end = within
    if _letters(source[start:end]) != sum(_letters(part) for part in parts):
        return [within] * len(parts)
    spans = []
    for part in parts:
        start = _past_space(source, start)
        at = start
        for word in part.split():
            at = _past_space(source, at) + len(word)
        spans.append((start, at))
        start = at
    return spans


def start_of_tail(tail: str, source: str, end: int) -> int:
    """Where the text begins that ends at `end` and has the words of `tail`."""
    at = end
    for word in reversed(tail.split()):
        while source[at - 1].isspace():
            at -= 1
        at -= len(word)
    return at


def _letters(text: str) -> int:
    return sum(map(len, text.split()))


def _past_space(source: str, at: int) -> int:
    found = _SPACE.match(source, at)
    return found.end() if found else at


def _bullet(item: str) -> str:
    indent = item[: len(item) - len(item.lstrip(" "))]
    return f"{indent}- {one_line(item)}"


def has_words(block: Block) -> bool:
    """Whether it adds anything to the converted text."""
    match block:
        case Heading() | Paragraph():
            return bool(block.text.strip())
        case BulletList():
            return any(item.strip() for item in block.items)
        case Table():
            cells = chain([block.caption], block.header, *block.rows)
            return any(cell.strip() for cell in cells)
        case Picture():
            return bool(block.caption.strip())
