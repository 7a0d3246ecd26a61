"""docling's document tree as our blocks."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TypeAlias

from docling_core.types.doc.common.content_layer import ContentLayer
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.code import CodeItem
from docling_core.types.doc.items.group import GroupItem, InlineGroup, ListGroup
from docling_core.types.doc.items.node import NodeItem
from docling_core.types.doc.items.picture.picture import PictureItem
from docling_core.types.doc.items.table.table import TableItem
from docling_core.types.doc.items.text import ListItem, SectionHeaderItem, TextItem, TitleItem
from PIL import Image

from domain.documents.structure import Block, BulletList, Heading, Paragraph, Picture, Table

_NO_SPACE_BEFORE = re.compile(r"\s+([.,;:!?)\]}’”])")
_NO_SPACE_AFTER = re.compile(r"([(\[{“‘])\s+")
_CAPTION = re.compile(r"^(?:table|tabelle|figure|fig\.|abbildung)\s*\d+", re.IGNORECASE)
_MAX_DEPTH = 200
_FOOTER_CHARACTERS = 120
_SLIDE = "slide-"
NOTES_PREFIX = "Speaker notes: "

# What docling has for a picture, and its page, to a small copy of what it shows.
ShowPicture: TypeAlias = Callable[[Image.Image, int | None], bytes]


def blocks_of(document: DoclingDocument, show: ShowPicture | None = None) -> tuple[Block, ...]:
    """The body and the notes of a document in reading order, headings counted from level 1.

    With `show`, pictures have their images.
    """
    mapping = _Mapping(document, show)
    blocks = list(mapping.blocks(document.body))
    if any(group.name.startswith(_SLIDE) for group in document.groups):
        blocks = _without_slide_footers(blocks, len(document.pages))
    return _levelled(_captioned(blocks))


@dataclass(slots=True)
class _Mapping:
    document: DoclingDocument
    show: ShowPicture | None = None
    captions: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for owner in (*self.document.tables, *self.document.pictures):
            self.captions.update(reference.cref for reference in owner.captions)

    def blocks(self, node: NodeItem, depth: int = 0) -> Iterator[Block]:
        for child in self._children(node):
            if depth < _MAX_DEPTH and child.self_ref not in self.captions:
                yield from self._block(child, depth)

    def _block(self, node: NodeItem, depth: int) -> Iterator[Block]:
        page = _page(node)
        layer = getattr(node, "content_layer", ContentLayer.BODY)
        if layer is ContentLayer.NOTES and isinstance(node, TextItem):
            yield from _paragraph(NOTES_PREFIX + " ".join(node.text.split()), page)
            return
        if layer is not ContentLayer.BODY:
            return
        match node:
            case ListGroup():
                yield from self._list(self._items(node, 0), self._first_page(node), depth)
                return
            case InlineGroup():
                yield from _paragraph(self._inline(node), self._first_page(node))
                return
            case TableItem():
                # Rich cells hang below the table as well as in its grid: they are not read twice.
                yield self._table(node, page)
                return
            case PictureItem():
                caption = _tidy(node.caption_text(self.document))
                yield Picture(caption=caption, page=page, image=self._image(node, page))
            case TitleItem() | SectionHeaderItem():
                level = node.level + 1 if isinstance(node, SectionHeaderItem) else 1
                text = _tidy(node.text) or self._inline(node)
                if text:
                    yield Heading(text=text, level=level, page=page)
            case CodeItem():
                yield from _paragraph(node.text.strip("\n"), page)
            case ListItem():
                yield from self._list(self._item(node, 0), page, depth)
                return
            case TextItem():
                yield from _paragraph(_tidy(node.text), page)
            case GroupItem() if node.label.value == "sheet":
                yield from self._sheet(node, depth)
                return
            case GroupItem() if node.name.startswith(_SLIDE):
                yield from self._slide(node, depth)
                return
        yield from self.blocks(node, depth + 1)

    def _sheet(self, group: GroupItem, depth: int) -> Iterator[Block]:
        blocks = list(self.blocks(group, depth + 1))
        if blocks:
            yield Heading(text=group.name, level=1, page=blocks[0].page)
            yield from blocks

    def _slide(self, group: GroupItem, depth: int) -> Iterator[Block]:
        """A slide is read from its title on, wherever the title stands in the file."""
        found = self.blocks(group, depth + 1)
        blocks = [b for b in found if not isinstance(b, Picture) or b.caption]
        titles = [b for b in blocks if isinstance(b, Heading) and b.level == 1]
        number = int(group.name.removeprefix(_SLIDE) or 0) + 1
        if blocks and not titles:
            titles = [Heading(text=f"Slide {number}", level=1, page=number)]
        yield from titles
        yield from (block for block in blocks if block not in titles)

    def _list(
        self, parts: Iterator[str | NodeItem], page: int | None, depth: int
    ) -> Iterator[Block]:
        """A list, broken where a heading, a table or a picture stands between its items."""
        for alone, group in groupby(parts, key=lambda part: isinstance(part, NodeItem)):
            together = list(group)
            if not alone:
                yield BulletList(items=tuple(str(item) for item in together), page=page)
            for part in together:
                if isinstance(part, NodeItem) and depth < _MAX_DEPTH:
                    yield from self._block(part, depth + 1)

    def _items(self, group: NodeItem, indent: int) -> Iterator[str | NodeItem]:
        for child in self._children(group):
            if isinstance(child, ListItem):
                yield from self._item(child, indent)
            elif isinstance(child, ListGroup):
                yield from self._items(child, indent + 1)
            elif self._stands_alone(child):
                yield child
            else:
                text = self._inline(child) if isinstance(child, GroupItem) else _text(child)
                if text:
                    yield "  " * indent + text

    def _item(self, item: ListItem, indent: int) -> Iterator[str | NodeItem]:
        """One item, its own paragraphs joined, then the items below it."""
        texts = [_tidy(item.text)]
        nested: list[str | NodeItem] = []
        for child in self._children(item):
            if isinstance(child, ListGroup):
                nested += self._items(child, indent + 1)
            elif isinstance(child, ListItem):
                nested += self._item(child, indent + 1)
            elif self._stands_alone(child):
                nested.append(child)
            elif isinstance(child, TextItem):
                texts.append(_text(child))
            else:
                texts.append(self._inline(child))
        text = " ".join(part for part in texts if part)
        number = f"{item.marker} " if item.enumerated and item.marker else ""
        if text:
            yield "  " * indent + number + text
        yield from nested

    def _stands_alone(self, node: NodeItem) -> bool:
        """Whether a node in a list is no text of an item: word processors end lists late."""
        if isinstance(node, TableItem | PictureItem | SectionHeaderItem | TitleItem):
            return True
        within = isinstance(node, GroupItem) and not isinstance(node, InlineGroup)
        return within and any(self._stands_alone(child) for child in self._children(node))

    def _inline(self, node: NodeItem) -> str:
        """The text of runs that stand in one line."""
        texts: list[str] = []
        stack = list(reversed(self._children(node)))
        while stack:
            child = stack.pop()
            if isinstance(child, TextItem):
                texts.append(child.text)
            stack += reversed(self._children(child))
        return _joined(texts)

    def _table(self, item: TableItem, page: int | None) -> Table:
        # docling makes it anew each time it is asked.
        cells = item.data.grid
        grid = [
            [
                _tidy(cell.text) if _starts_at(cell.start_col_offset_idx, column, cell) else ""
                for column, cell in enumerate(row)
            ]
            for row in cells
        ]
        heads = 0
        for row in cells:
            if not row or not all(cell.column_header for cell in row):
                break
            heads += 1
        header = tuple(_unique_words(column) for column in zip(*grid[:heads], strict=True))
        rows = tuple(tuple(row) for row in grid[heads:])
        caption = _tidy(item.caption_text(self.document))
        return Table(header=header, rows=rows, caption=caption, page=page)

    def _image(self, item: PictureItem, page: int | None) -> bytes:
        shown = item.image.pil_image if self.show and item.image else None
        return self.show(shown, page) if self.show and shown else b""

    def _children(self, node: NodeItem) -> list[NodeItem]:
        return [reference.resolve(self.document) for reference in node.children]

    def _first_page(self, node: NodeItem) -> int | None:
        stack = list(reversed(self._children(node)))
        while stack:
            child = stack.pop()
            page = _page(child)
            if page is not None:
                return page
            stack += reversed(self._children(child))
        return None


def _starts_at(start: int, column: int, cell: object) -> bool:
    """A cell over several columns is shown once, but a header stands over each of them."""
    return start == column or bool(getattr(cell, "column_header", False))


def _unique_words(cells: tuple[str, ...]) -> str:
    return " ".join(dict.fromkeys(cell for cell in cells if cell))


def _page(node: NodeItem) -> int | None:
    provenance = getattr(node, "prov", None)
    return int(provenance[0].page_no) if provenance else None


def _text(node: NodeItem) -> str:
    return _tidy(node.text) if isinstance(node, TextItem) else ""


def _paragraph(text: str, page: int | None) -> Iterator[Paragraph]:
    if text.strip():
        yield Paragraph(text=text, page=page)


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _joined(texts: list[str]) -> str:
    """Runs of one line, without the spaces that joining leaves around punctuation."""
    text = _NO_SPACE_BEFORE.sub(r"\1", _tidy(" ".join(texts)))
    return _NO_SPACE_AFTER.sub(r"\1", text)


def _without_slide_footers(blocks: list[Block], slides: int) -> list[Block]:
    """Drop short paragraphs that come back on half of the slides, but for the slide's number."""
    seen: dict[str, set[int]] = {}
    for block in blocks:
        if isinstance(block, Paragraph) and block.page is not None:
            seen.setdefault(_signature(block), set()).add(block.page)
    often = max(3, slides // 2)
    repeated = {text for text, pages in seen.items() if len(pages) >= often}
    return [b for b in blocks if not (isinstance(b, Paragraph) and _signature(b) in repeated)]


def _signature(block: Paragraph) -> str:
    return re.sub(rf"\b{block.page}\b", "#", block.text[:_FOOTER_CHARACTERS])


def _captioned(blocks: list[Block]) -> list[Block]:
    """Give a table the caption paragraph that stands right before it."""
    kept: list[Block] = []
    for block in blocks:
        before = kept[-1] if kept else None
        is_caption = isinstance(before, Paragraph) and _CAPTION.match(before.text)
        if isinstance(block, Table) and isinstance(before, Paragraph) and is_caption:
            kept.pop()
            block = replace(block, caption=block.caption or before.text)
        kept.append(block)
    return kept


def _levelled(blocks: list[Block]) -> tuple[Block, ...]:
    lowest = min((block.level for block in blocks if isinstance(block, Heading)), default=1)
    return tuple(
        replace(block, level=block.level - lowest + 1) if isinstance(block, Heading) else block
        for block in blocks
    )
