"""Blocks as pieces: the smallest parts that a chunk is put together from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from domain.documents.chunk_text import TokenCounter, cut_text
from domain.documents.converted_text import NEW_BLOCK, PlacedBlock, Span, list_lines, spans_of
from domain.documents.structure import BulletList


class ChunkKind(Enum):
    PROSE = "prose"
    LIST = "list"
    TABLE = "table"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Text that stays whole in one chunk; `glue` goes before it unless it comes first.

    `span` is where its words stand in the document's converted text.
    """

    text: str
    tokens: int
    kind: ChunkKind
    page: int | None
    span: Span
    glue: str = NEW_BLOCK

    @property
    def cost(self) -> int:
        return self.tokens + (1 if self.glue else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceLimits:
    """`whole` tokens for what should not be cut, `cut` for the parts of what must be."""

    whole: int
    cut: int


def join_pieces(pieces: list[Piece]) -> str:
    return "".join(p.text if i == 0 else p.glue + p.text for i, p in enumerate(pieces))


def text_pieces(
    text: str,
    span: Span,
    page: int | None,
    limits: PieceLimits,
    count: TokenCounter,
    kind: ChunkKind = ChunkKind.PROSE,
) -> Iterator[Piece]:
    """A text that stands at `span` in one piece while it fits, else its sentences."""
    tokens = count(text)
    if tokens <= limits.whole:
        yield Piece(text=text, tokens=tokens, kind=kind, page=page, span=span)
        return
    cuts = cut_text(text, limit=limits.whole, word_limit=limits.cut, count=count)
    start = span[0]
    local = spans_of([cut.text for cut in cuts], text, (0, len(text)))
    for index, (cut, (first, last)) in enumerate(zip(cuts, local, strict=True)):
        yield Piece(
            text=cut.text,
            tokens=cut.tokens,
            kind=kind,
            page=page,
            span=(start + first, start + last),
            glue=cut.glue if index else NEW_BLOCK,
        )


def list_pieces(
    block: BulletList, start: int, limits: PieceLimits, count: TokenCounter
) -> Iterator[Piece]:
    """A list in one piece while it fits, else its items, else their sentences."""
    lines = list_lines(block)
    whole = "\n".join(lines)
    tokens = count(whole)
    if tokens <= limits.whole:
        span = (start, start + len(whole))
        yield Piece(text=whole, tokens=tokens, kind=ChunkKind.LIST, page=block.page, span=span)
        return
    glue = NEW_BLOCK
    for line in lines:
        span = (start, start + len(line))
        pieces = text_pieces(line, span, block.page, limits, count, ChunkKind.LIST)
        yield replace(next(pieces), glue=glue)
        yield from pieces
        glue, start = "\n", span[1] + 1


def paragraph_pieces(
    placed: PlacedBlock, limits: PieceLimits, count: TokenCounter, kind: ChunkKind
) -> Iterator[Piece]:
    return text_pieces(placed.text, placed.span, placed.block.page, limits, count, kind)
