"""Blocks as pieces: the smallest parts that a chunk is put together from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from domain.documents.chunk_text import TokenCounter, cut_text, one_line
from domain.documents.structure import BulletList, Paragraph, Picture

NEW_BLOCK = "\n\n"


class ChunkKind(Enum):
    PROSE = "prose"
    LIST = "list"
    TABLE = "table"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Text that stays whole in one chunk; `glue` goes before it unless it comes first."""

    text: str
    tokens: int
    kind: ChunkKind
    page: int | None
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


def prose_pieces(
    text: str,
    page: int | None,
    limits: PieceLimits,
    count: TokenCounter,
    kind: ChunkKind = ChunkKind.PROSE,
) -> Iterator[Piece]:
    """A paragraph in one piece while it fits, else its sentences."""
    text = text.strip()
    if not text:
        return
    tokens = count(text)
    if tokens <= limits.whole:
        yield Piece(text=text, tokens=tokens, kind=kind, page=page)
        return
    cuts = cut_text(text, limit=limits.whole, word_limit=limits.cut, count=count)
    for index, cut in enumerate(cuts):
        glue = cut.glue if index else NEW_BLOCK
        yield Piece(text=cut.text, tokens=cut.tokens, kind=kind, page=page, glue=glue)


def list_pieces(block: BulletList, limits: PieceLimits, count: TokenCounter) -> Iterator[Piece]:
    """A list in one piece while it fits, else its items, else their sentences."""
    lines = [_bullet(item) for item in block.items if item.strip()]
    whole = "\n".join(lines)
    tokens = count(whole)
    if lines and tokens <= limits.whole:
        yield Piece(text=whole, tokens=tokens, kind=ChunkKind.LIST, page=block.page)
        return
    glue = NEW_BLOCK
    for line in lines:
        pieces = list(_list_line(line, block.page, limits, count))
        yield replace(pieces[0], glue=glue)
        yield from pieces[1:]
        glue = "\n"


def paragraph_pieces(
    block: Paragraph | Picture, limits: PieceLimits, count: TokenCounter
) -> Iterator[Piece]:
    if isinstance(block, Picture):
        caption = one_line(block.caption)
        return prose_pieces(caption, block.page, limits, count, ChunkKind.PICTURE)
    return prose_pieces(block.text, block.page, limits, count)


def _list_line(
    line: str, page: int | None, limits: PieceLimits, count: TokenCounter
) -> Iterator[Piece]:
    tokens = count(line)
    if tokens <= limits.whole:
        yield Piece(text=line, tokens=tokens, kind=ChunkKind.LIST, page=page)
        return
    yield from prose_pieces(line, page, limits, count, ChunkKind.LIST)


def _bullet(item: str) -> str:
    indent = item[: len(item) - len(item.lstrip(" "))]
    return f"{indent}- {one_line(item)}"
