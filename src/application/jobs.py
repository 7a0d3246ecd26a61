"""The kinds of work that outlive a request."""

from dataclasses import dataclass

from domain.identifiers import DocumentId, SpaceId


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestDocumentJob:
    space_id: SpaceId
    document_id: DocumentId
