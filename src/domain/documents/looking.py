"""Pictures of READY documents that are looked at later than their text was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from domain.documents.converted_text import Span, placed_blocks, text_digest
from domain.documents.document import Document
from domain.documents.pictures import placed_pictures
from domain.documents.structure import DocumentStructure
from domain.identifiers import ChunkId

# Looks that began and came to no end, as those of a process that has died.
MOST_LOOKS = 3
# Longer than the longest reading: afterwards whoever looked counts as gone.
LOOK_SECONDS = 2_700.0
_FIRST, _LONGEST = timedelta(minutes=1), timedelta(hours=6)

PICTURES_WAIT = (
    "what its pictures show cannot be searched yet, because the model that looks at them does not "
    "answer; they are looked at without your doing once it does"
)
PICTURES_GIVEN_UP = (
    "what its pictures show cannot be searched: they could not be looked at again; send the file "
    "once more"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A document that was taken up to be looked at by the model of this name, for the `looks`-th
    time.

    `delays` counts the times that came to nothing because the model was away.
    """

    document: Document
    model: str
    looks: int
    delays: int

    @property
    def is_one_too_many(self) -> bool:
        return self.looks > MOST_LOOKS


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptText:
    """Passages of a document's own text in their order, by their spans.

    `digest` is the `text_digest` of what they were cut from, empty where nobody has kept it.
    """

    digest: str
    passages: Sequence[tuple[ChunkId, Span]]


def look_delay(delays: int) -> timedelta:
    """How long a document waits once the model was away so often before: a minute to six hours."""
    return min(_FIRST * int(4 ** min(delays, 9)), _LONGEST)


def pictures_of(
    structure: DocumentStructure, kept: KeptText
) -> Mapping[ChunkId, Sequence[bytes]] | None:
    """The pictures of the passages that were cut from `structure`, those without any left out.

    None when they were cut from another text.
    """
    if kept.digest and kept.digest != text_digest(structure):
        return None
    placed = list(placed_blocks(structure))
    end = placed[-1].span[1] if placed else 0
    if any(span[1] > end for _, span in kept.passages):
        return None
    of_passages: dict[ChunkId, dict[bytes, None]] = {}
    for picture in placed_pictures(structure.blocks, placed):
        for chunk_id, span in kept.passages:
            if picture.at < span[1]:
                of_passages.setdefault(chunk_id, {})[picture.image] = None
                break
    return {chunk_id: tuple(pictures) for chunk_id, pictures in of_passages.items()}
