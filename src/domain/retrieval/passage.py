"""A piece of a document, found and ready to be read by a model."""

from dataclasses import dataclass

from domain.documents.document import Collection
from domain.identifiers import ChunkId, DocumentId


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FusedPassage:
    """A passage with the streams that brought it and its fused score (higher is better)."""

    passage: Passage
    streams: tuple[str, ...]
    score: float
