"""What was found hidden in a document, and what a person has decided about it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from domain.documents.structure import HiddenKind
from domain.errors import FailedPrecondition, NotFound
from domain.identifiers import DocumentId, UserId


class FindingNotFound(NotFound):
    reason = "FINDING_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("the document has no such finding", field="ordinal")


class DocumentNotReady(FailedPrecondition):
    reason = "DOCUMENT_NOT_READY"

    def __init__(self) -> None:
        super().__init__("findings are decided on once the document is READY; wait for that")


class Decision(Enum):
    """PENDING and REMOVED text is in no passage; ALLOWED text is."""

    PENDING = "pending"
    ALLOWED = "allowed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`ordinal` counts a document's findings from 0; `text` is exactly what the file holds.

    `decided_by` and `decide_time` are of the last decision, None while it is PENDING.
    """

    document_id: DocumentId
    ordinal: int
    kind: HiddenKind
    page: int | None
    text: str
    decision: Decision = Decision.PENDING
    decided_by: UserId | None = None
    decide_time: datetime | None = None
