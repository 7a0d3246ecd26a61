"""Cutting a document into chunks that each fit an embedding model and say where they stood."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from domain.documents.chunk_packing import kind_of, overlap_text, pack
from domain.documents.chunk_pieces import (
    ChunkKind,
    Piece,
    PieceLimits,
    join_pieces,
    list_pieces,
    paragraph_pieces,
)
from domain.documents.chunk_sections import Section, sections_of
from domain.documents.chunk_tables import table_pieces
from domain.documents.chunk_text import TokenCounter, cut_text, first_words
from domain.documents.converted_text import (
    NEW_BLOCK,
    PlacedBlock,
    Span,
    joined,
    placed_blocks,
    spans_of,
    start_of_tail,
)
from domain.documents.pictures import PlacedPicture, placed_pictures
from domain.documents.structure import BulletList, DocumentStructure, Picture, Table

__all__ = ["Chunk", "ChunkKind", "ChunkingPolicy", "chunk_document", "embedding_text"]

_CONTEXT_JOINER = " > "
_MIN_MAX_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A part of a document.

    `ordinal` counts from 0; `page` is the first page, None for formats without pages;
    `context` is the section path as it is embedded, cut when the headings are long;
    `token_count` is that of `embedding_text(chunk)`. `span` is where its words stand in the
    document's `converted_text`, its overlap included, a repeated table header not. `pictures` are
    the images of those that stand among its words.
    """

    ordinal: int
    text: str
    section_path: tuple[str, ...]
    page: int | None
    kind: ChunkKind
    token_count: int
    span: Span = (0, 0)
    context: str = ""
    pictures: tuple[bytes, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.span[0] <= self.span[1]:
            raise ValueError(f"a span is half open and counts from 0, not {self.span}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkingPolicy:
    """Tokens. `max_tokens` bounds `embedding_text`; a last chunk under `min_tokens` is filled up
    from the one before; `overlap_tokens` of a section's prose are said again in its next chunk."""

    max_tokens: int = 200
    min_tokens: int = 40
    overlap_tokens: int = 24

    def __post_init__(self) -> None:
        if self.max_tokens < _MIN_MAX_TOKENS:
            raise ValueError(f"max_tokens must be at least {_MIN_MAX_TOKENS}")
        if not 0 <= self.min_tokens <= self.max_tokens // 2:
            raise ValueError("min_tokens must lie between 0 and half of max_tokens")
        if not 0 <= self.overlap_tokens <= self.max_tokens // 4:
            raise ValueError("overlap_tokens must lie between 0 and a quarter of max_tokens")


def embedding_text(chunk: Chunk) -> str:
    """What is embedded for a chunk: its heading context, then its text; fits `max_tokens`."""
    return _with_context(chunk.context, chunk.text)


def chunk_document(
    structure: DocumentStructure,
    *,
    policy: ChunkingPolicy,
    count_tokens: Callable[[str], int],
) -> tuple[Chunk, ...]:
    """Cut `structure` into chunks in reading order; an empty document gives none.

    No word is lost and none invented, but for repeated table headers, overlap and Markdown syntax.
    """
    count = TokenCounter(count_tokens)
    placed = list(placed_blocks(structure))
    source = joined(placed)
    drafts = [
        draft
        for section in sections_of(placed)
        for draft in _section_chunks(section, source, policy, count)
    ]
    pictures = _pictures(drafts, placed_pictures(structure.blocks, placed))
    return tuple(
        replace(draft, ordinal=ordinal, pictures=tuple(pictures.get(ordinal, ())))
        for ordinal, draft in enumerate(drafts)
    )


def _pictures(
    chunks: Sequence[Chunk], placed: Iterable[PlacedPicture]
) -> dict[int, dict[bytes, None]]:
    """Each picture once in the chunk of the words beside it; a heading's are those below it."""
    of_chunks: dict[int, dict[bytes, None]] = {}
    for picture in placed:
        for ordinal, chunk in enumerate(chunks):
            if picture.at < chunk.span[1]:
                of_chunks.setdefault(ordinal, {})[picture.image] = None
                break
    return of_chunks


def _section_chunks(
    section: Section, source: str, policy: ChunkingPolicy, count: TokenCounter
) -> Iterator[Chunk]:
    context = _context(section.path, policy.max_tokens // 4, count)
    budget = policy.max_tokens - count.whole(_with_context(context, ""))
    limits = PieceLimits(whole=max(1, budget - 1), cut=max(1, budget - policy.overlap_tokens - 1))
    pieces = [piece for placed in section.blocks for piece in _pieces(placed, limits, count)]
    groups = pack(pieces, budget=budget, overlap=policy.overlap_tokens, minimum=policy.min_tokens)
    draft = _Draft(
        section=section, source=source, context=context, max_tokens=policy.max_tokens, count=count
    )
    for before, group in zip([[], *groups], groups, strict=False):
        room = budget - sum(piece.cost for piece in group)
        limit = min(policy.overlap_tokens, room)
        overlap = overlap_text(before, group[0], limit, count) if before else ""
        yield from draft.chunks(group, overlap)


def _pieces(placed: PlacedBlock, limits: PieceLimits, count: TokenCounter) -> Iterator[Piece]:
    match placed.block:
        case BulletList() as bullets:
            return list_pieces(bullets, placed.start, limits, count)
        case Table() as table:
            return table_pieces(table, placed.start, limits, count)
        case Picture():
            return paragraph_pieces(placed, limits, count, ChunkKind.PICTURE)
        case _:
            return paragraph_pieces(placed, limits, count, ChunkKind.PROSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """Makes chunks of one section and proves each against the limit by counting it whole."""

    section: Section
    source: str
    context: str
    max_tokens: int
    count: TokenCounter

    def chunks(self, pieces: list[Piece], overlap: str = "") -> Iterator[Chunk]:
        text = join_pieces(pieces)
        if overlap:
            chunk = self._chunk(pieces, overlap + (pieces[0].glue or " ") + text, overlap)
            if chunk.token_count <= self.max_tokens:
                yield chunk
                return
        chunk = self._chunk(pieces, text)
        if chunk.token_count <= self.max_tokens or len(text) == 1:
            yield chunk
            return
        middle = len(pieces) // 2
        halves = [pieces[:middle], pieces[middle:]] if middle else self._smaller(pieces[0])
        for half in halves:
            yield from self.chunks(half)

    def _smaller(self, piece: Piece) -> list[list[Piece]]:
        """A piece that costs more with its neighbours than alone is cut again, and smaller."""
        limit = max(1, piece.tokens * 2 // 3)
        cuts = cut_text(piece.text, limit=limit, word_limit=limit, count=self.count)
        texts = [cut.text for cut in cuts]
        if len(texts) < 2:
            middle = len(piece.text) // 2
            texts = [text for text in (piece.text[:middle], piece.text[middle:]) if text.strip()]
        spans = spans_of(texts, self.source, piece.span)
        return [
            [replace(piece, text=text, tokens=self.count(text), span=span)]
            for text, span in zip(texts, spans, strict=True)
        ]

    def _chunk(self, pieces: list[Piece], text: str, overlap: str = "") -> Chunk:
        start = pieces[0].span[0]
        return Chunk(
            ordinal=0,
            text=text,
            section_path=self.section.path,
            page=next((piece.page for piece in pieces if piece.page is not None), None),
            kind=kind_of(pieces),
            token_count=self.count.whole(_with_context(self.context, text)),
            span=(
                start_of_tail(overlap, self.source, start),
                max(piece.span[1] for piece in pieces),
            ),
            context=self.context,
        )


def _context(path: tuple[str, ...], limit: int, count: TokenCounter) -> str:
    """The path in one line of at most `limit` tokens; outer headings go first."""
    for start in range(max(0, len(path) - limit), len(path)):
        line = _CONTEXT_JOINER.join(path[start:])
        if count(line) <= limit:
            return line
    return first_words(path[-1], limit, count) if path else ""


def _with_context(context: str, text: str) -> str:
    return context + NEW_BLOCK + text if context else text
