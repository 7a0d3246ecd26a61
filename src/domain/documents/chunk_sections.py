"""A document as sections: the headings above, and the blocks below them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from domain.documents.chunk_text import one_line
from domain.documents.structure import (
    Block,
    BulletList,
    DocumentStructure,
    Heading,
    Paragraph,
    Picture,
    Table,
)

MAX_HEADING_CHARACTERS = 200


@dataclass(slots=True, kw_only=True)
class Section:
    """`path` from the most important heading inwards; the headings' text is one line each."""

    path: tuple[str, ...]
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenHeading:
    text: str
    level: int
    page: int | None


def sections_of(structure: DocumentStructure) -> Iterator[Section]:
    """Yield sections in reading order; a heading with nothing below it becomes a paragraph."""
    open_headings: list[_OpenHeading] = []
    section = Section(path=())
    for block in structure.blocks:
        if not isinstance(block, Heading):
            if _has_words(block):
                section.blocks.append(block)
            continue
        text = one_line(block.text)
        if not text:
            continue
        yield from _closed(section, open_headings, next_level=block.level)
        while open_headings and open_headings[-1].level >= block.level:
            open_headings.pop()
        shown = _shortened(text)
        open_headings.append(_OpenHeading(text=shown, level=block.level, page=block.page))
        section = Section(path=tuple(heading.text for heading in open_headings))
        if shown != text:
            section.blocks.append(Paragraph(text=text, page=block.page))
    yield from _closed(section, open_headings, next_level=0)


def _closed(
    section: Section, open_headings: list[_OpenHeading], *, next_level: int
) -> Iterator[Section]:
    if section.blocks:
        yield section
    elif open_headings and next_level <= open_headings[-1].level:
        last = open_headings[-1]
        lonely = Paragraph(text=last.text, page=last.page)
        yield Section(path=section.path[:-1], blocks=[lonely])


def _has_words(block: Block) -> bool:
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


def _shortened(text: str) -> str:
    if len(text) <= MAX_HEADING_CHARACTERS:
        return text
    return text[: MAX_HEADING_CHARACTERS - 1].rstrip() + "…"
