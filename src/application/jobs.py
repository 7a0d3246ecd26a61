"""The kinds of work that outlive a request."""

from dataclasses import dataclass

from domain.identifiers import DocumentId, SpaceId


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestDocumentJob:
    """A document that was taken up; its writes carry the `fence` that it was given then."""

    space_id: SpaceId
    document_id: DocumentId
    fence: int
