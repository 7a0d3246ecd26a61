"""A document as sections: the headings above, and the blocks below them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from domain.documents.converted_text import PlacedBlock
from domain.documents.structure import Heading, Paragraph

MAX_HEADING_CHARACTERS = 200


@dataclass(slots=True, kw_only=True)
class Section:
    """`path` from the most important heading inwards; the headings' text is one line each."""

    path: tuple[str, ...]
    blocks: list[PlacedBlock] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenHeading:
    shown: str
    level: int
    placed: PlacedBlock


def sections_of(blocks: Iterable[PlacedBlock]) -> Iterator[Section]:
    """The sections of a document's `placed_blocks`; a heading above nothing becomes a paragraph."""
    open_headings: list[_OpenHeading] = []
    section = Section(path=())
    for placed in blocks:
        heading = placed.block
        if not isinstance(heading, Heading):
            section.blocks.append(placed)
            continue
        yield from _closed(section, open_headings, next_level=heading.level)
        while open_headings and open_headings[-1].level >= heading.level:
            open_headings.pop()
        shown = _shortened(placed.text)
        open_headings.append(_OpenHeading(shown=shown, level=heading.level, placed=placed))
        section = Section(path=tuple(heading.shown for heading in open_headings))
        if shown != placed.text:
            section.blocks.append(_as_paragraph(placed))
    yield from _closed(section, open_headings, next_level=0)


def _closed(
    section: Section, open_headings: list[_OpenHeading], *, next_level: int
) -> Iterator[Section]:
    if section.blocks:
        yield section
    elif open_headings and next_level <= open_headings[-1].level:
        lonely = _as_paragraph(open_headings[-1].placed)
        yield Section(path=section.path[:-1], blocks=[lonely])


def _as_paragraph(placed: PlacedBlock) -> PlacedBlock:
    return replace(placed, block=Paragraph(text=placed.text, page=placed.block.page))


def _shortened(text: str) -> str:
    if len(text) <= MAX_HEADING_CHARACTERS:
        return text
    return text[: MAX_HEADING_CHARACTERS - 1].rstrip() + "…"
