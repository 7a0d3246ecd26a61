"""What a search may find, and what it says about how it found it."""

from dataclasses import dataclass
from datetime import datetime

from domain.documents.document import Collection
from domain.documents.media import MediaType
from domain.errors import InvalidInput
from domain.identifiers import DocumentId
from domain.retrieval.passage import Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilter:
    """All must hold; None means any, and an empty set nothing at all.

    `created_from` (included) and `created_before` (not included) are times with a zone, of the
    document's upload.
    """

    collections: frozenset[Collection] = frozenset(Collection)
    media_types: frozenset[MediaType] | None = None
    documents: frozenset[DocumentId] | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None

    def __post_init__(self) -> None:
        for field, time in (("from", self.created_from), ("before", self.created_before)):
            if time is not None and time.tzinfo is None:
                raise InvalidInput("a time needs its zone, such as a final 'Z'", field=field)
        if self.created_from and self.created_before and self.created_from >= self.created_before:
            raise InvalidInput("the range of dates ends before it begins", field="before")


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedPassage:
    """A passage with the rank, from 1, that each half of the search gave it, if it found it.

    `score` is the fused one; it compares passages of one search alone.
    """

    passage: Passage
    semantic_rank: int | None
    lexical_rank: int | None
    score: float
