"""Which pages of a PDF the layout models read, and how they stand among the others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from adapters.docling.pdf_geometry import Box
from adapters.docling.pdf_page import PageInk
from adapters.docling.pdf_words import Word
from adapters.docling.recognition import Patience
from domain.documents.structure import Block, Picture

# The blocks of one page, counted from 1, of a PDF's bytes. Raises LayoutFailed.
ReadLayout: TypeAlias = Callable[[bytes, int], tuple[Block, ...]]
SECONDS_FOR_A_FILE = 90.0
_SCAN_SHARE = 0.5


class LayoutFailed(Exception):
    """The models could not read the page."""


def needs_layout(ink: PageInk, size: tuple[float, float]) -> bool:
    """A scan without any text, or a page most of whose words are turned and have no order.

    Never where text is hidden, or was not all looked for: the models would read it. Nor with a
    picture that is too large to be drawn.
    """
    if ink.hidden or ink.is_cut or ink.tables or ink.vast:
        return False
    if ink.words or ink.aside:
        return _letters(ink.aside) > _letters(ink.words)
    width, height = size
    pictured = sum(box.width * box.height for box in ink.pictures)
    return pictured > _SCAN_SHARE * width * height


def _letters(words: Sequence[Word]) -> int:
    return sum(len(word.text) for word in words)


class PageLayouts:
    """The pages of one file that were asked of the models.

    `blocks` by page are those that were read; `failed` those that were not, or for which no time
    was left.
    """

    def __init__(
        self, read: ReadLayout | None, content: bytes, patience: Patience | None = None
    ) -> None:
        self._read = read
        self._content = content
        self._patience = patience or Patience(SECONDS_FOR_A_FILE)
        self.blocks: dict[int, tuple[Block, ...]] = {}
        self.failed: list[int] = []

    def has_read(self, number: int, ink: PageInk, size: tuple[float, float]) -> bool:
        """Whether the page needed the models, and they found words on it."""
        if self._read is None or not needs_layout(ink, size):
            return False
        if self._patience.is_over:
            self.failed.append(number)
            return False
        try:
            blocks = self._read(self._content, number)
        except LayoutFailed:
            self.failed.append(number)
            return False
        if all(isinstance(block, Picture) for block in blocks):
            return False
        self.blocks[number] = blocks
        return True


def held_open(size: tuple[float, float]) -> PageInk:
    """A page that keeps its place: one picture, over which no text or table is joined."""
    return PageInk(words=[], rules=[], pictures=[Box(0.0, 0.0, *size)])


def with_layouts(
    blocks: Sequence[Block], layouts: Mapping[int, tuple[Block, ...]]
) -> tuple[Block, ...]:
    """The blocks, with those of each page that was held open in its place."""
    return tuple(_joined(blocks, layouts))


def _joined(blocks: Sequence[Block], layouts: Mapping[int, tuple[Block, ...]]) -> Iterator[Block]:
    for block in blocks:
        if block.page is not None and block.page in layouts:
            yield from layouts[block.page]
        else:
            yield block
