"""Putting pieces of one section together: as full as allowed, with no crumb at the end."""

from collections.abc import Iterator, Sequence

from domain.documents.chunk_pieces import ChunkKind, Piece
from domain.documents.chunk_text import TokenCounter, last_words, sentences


def pack(pieces: Sequence[Piece], *, budget: int, overlap: int, minimum: int) -> list[list[Piece]]:
    """Group pieces in order; a group costs at most `budget`, later ones leave room to overlap."""
    groups: list[list[Piece]] = []
    size = 0
    for piece in pieces:
        limit = budget if len(groups) <= 1 else budget - overlap
        if groups and size + piece.cost <= limit:
            groups[-1].append(piece)
            size += piece.cost
        else:
            groups.append([piece])
            size = piece.cost
    _fill_last(groups, budget=budget - overlap, minimum=minimum)
    return groups


def overlap_text(before: list[Piece], after: Piece, limit: int, count: TokenCounter) -> str:
    """The last sentences of `before`, or its last words, when prose goes on in `after`."""
    last = before[-1]
    if limit < 1 or last.kind is not ChunkKind.PROSE or after.kind is not ChunkKind.PROSE:
        return ""
    kept: list[str] = []
    size = 0
    for sentence in _sentences_backwards(before):
        size += count(sentence)
        if size > limit:
            break
        kept.append(sentence)
    if kept:
        return " ".join(reversed(kept))
    return last_words(last.text, limit, count)


def kind_of(pieces: Sequence[Piece]) -> ChunkKind:
    """The kind that most of the tokens have."""
    sizes: dict[ChunkKind, int] = {}
    for piece in pieces:
        sizes[piece.kind] = sizes.get(piece.kind, 0) + piece.cost
    return max(sizes, key=lambda kind: sizes[kind])


def _sentences_backwards(pieces: list[Piece]) -> Iterator[str]:
    for piece in reversed(pieces):
        if piece.kind is not ChunkKind.PROSE:
            return
        yield from reversed([sentence for _, sentence in sentences(piece.text)])


def _fill_last(groups: list[list[Piece]], *, budget: int, minimum: int) -> None:
    if len(groups) < 2:
        return
    before, last = groups[-2:]
    before_size, size = (sum(piece.cost for piece in group) for group in (before, last))
    while size < minimum and len(before) > 1:
        cost = before[-1].cost
        if before_size - cost < minimum or size + cost > budget:
            return
        last.insert(0, before.pop())
        before_size, size = before_size - cost, size + cost
