"""What one set of in-memory stores shares, as stores in Postgres share one database."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.conversations.conversation import Conversation, Message
from domain.conversations.summary import Summary
from domain.documents.document import Document
from domain.documents.finding import Finding
from domain.documents.upload import Upload
from domain.identifiers import ConversationId, DocumentId, RunId, SpaceId, UploadId, WorkerId
from domain.retrieval.passage import Passage
from domain.retrieval.pictures import PictureVectors
from domain.retrieval.vector import Vector
from domain.runs.event import RunEvent
from domain.runs.journal import Mark
from domain.runs.run import Run
from domain.tenancy.space import SpaceNotFound


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptPassage:
    """`words` is the text that it is found by; `model` names the vector's model."""

    passage: Passage
    ordinal: int
    words: str
    vector: Vector
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLook:
    """How often a model was to look at a document, and when it may again."""

    model: str
    looks: int = 0
    delays: int = 0
    time: datetime | None = None


@dataclass(slots=True, kw_only=True)
class MemoryState:
    """Everything lies under its space, so that no lookup can cross into another."""

    documents: dict[tuple[SpaceId, DocumentId], Document] = field(default_factory=dict)
    passages: dict[tuple[SpaceId, DocumentId], tuple[KeptPassage, ...]] = field(
        default_factory=dict
    )
    conversations: dict[tuple[SpaceId, ConversationId], Conversation] = field(default_factory=dict)
    messages: dict[tuple[SpaceId, ConversationId], list[Message]] = field(default_factory=dict)
    summaries: dict[tuple[SpaceId, ConversationId], Summary] = field(default_factory=dict)
    runs: dict[tuple[SpaceId, RunId], Run] = field(default_factory=dict)
    requests: dict[tuple[SpaceId, str], tuple[RunId, str]] = field(default_factory=dict)
    events: dict[tuple[SpaceId, RunId], list[RunEvent]] = field(default_factory=dict)
    turns: dict[tuple[SpaceId, RunId], int] = field(default_factory=dict)
    lost: dict[tuple[SpaceId, RunId], WorkerId] = field(default_factory=dict)
    workers: dict[WorkerId, datetime] = field(default_factory=dict)
    ingestions: dict[tuple[SpaceId, DocumentId], tuple[WorkerId | None, int]] = field(
        default_factory=dict
    )
    postponed: dict[tuple[SpaceId, DocumentId], datetime] = field(default_factory=dict)
    uploads: dict[tuple[SpaceId, UploadId], Upload] = field(default_factory=dict)
    findings: dict[tuple[SpaceId, DocumentId], tuple[Finding, ...]] = field(default_factory=dict)
    pictures: dict[tuple[SpaceId, DocumentId], PictureVectors] = field(default_factory=dict)
    # The digest of a document's text, and how many pictures stand in it.
    texts: dict[tuple[SpaceId, DocumentId], tuple[str, int]] = field(default_factory=dict)
    looks: dict[tuple[SpaceId, DocumentId], KeptLook] = field(default_factory=dict)
    journals: dict[tuple[SpaceId, RunId], tuple[Mark, ...]] = field(default_factory=dict)
    erased: set[SpaceId] = field(default_factory=set)

    def check(self, space: SpaceId) -> None:
        """Raises SpaceNotFound for one that was erased: nothing is added to it any more."""
        if space in self.erased:
            raise SpaceNotFound
