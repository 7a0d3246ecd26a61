"""A piece of a document, found and ready to be read by a model."""

from dataclasses import dataclass

from domain.documents.document import Collection
from domain.identifiers import ChunkId, DocumentId


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a text stands, without the text; the fields are those of `Passage`."""

    chunk_id: ChunkId
    document_id: DocumentId
    title: str
    filename: str
    section_path: tuple[str, ...]
    page: int | None
    version: int = 1
    span: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """`page` is None when the format has no pages.

    `version` counts a file's uploads from 1. `span` is its place in the text of that version, in
    characters, half open; (0, 0) where the place is not known.
    """

    chunk_id: ChunkId
    document_id: DocumentId
    title: str
    filename: str
    collection: Collection
    section_path: tuple[str, ...]
    page: int | None
    text: str
    version: int = 1
    span: tuple[int, int] = (0, 0)

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(
            chunk_id=self.chunk_id,
            document_id=self.document_id,
            title=self.title,
            filename=self.filename,
            section_path=self.section_path,
            page=self.page,
            version=self.version,
            span=self.span,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One list that a passage stood on, and its rank there, from 1.

    `way` is how that list was made; see `domain.retrieval.fusion.Ranking`.
    """

    stream: str
    way: str
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedPassage:
    """A passage with the streams that brought it and its fused score (higher is better).

    `also_in` are the places that say nearly the same: they were left out, and are cited with it.
    """

    passage: Passage
    streams: tuple[str, ...]
    score: float
    hits: tuple[Hit, ...] = ()
    also_in: tuple[Place, ...] = ()
