"""A document of a space and the states it passes through while it is ingested."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from domain.documents.media import MediaType
from domain.documents.unseen import without_unseen
from domain.errors import Conflict, FailedPrecondition, InvalidInput, NotFound
from domain.identifiers import DocumentId, SpaceId

MAX_DOCUMENT_BYTES = 50 * 1024 * 1024
MAX_FILENAME_CHARACTERS = 255


class DocumentNotFound(NotFound):
    reason = "DOCUMENT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such document in this space", field="document_id")


class IngestLost(Conflict):
    """The document was taken up anew: whoever had it before writes nothing more to it."""

    reason = "INGEST_LOST"

    def __init__(self) -> None:
        super().__init__("the document is being ingested by somebody else")


class DocumentTooLarge(InvalidInput):
    reason = "DOCUMENT_TOO_LARGE"

    def __init__(self) -> None:
        limit = MAX_DOCUMENT_BYTES // (1024 * 1024)
        super().__init__(f"a document may hold at most {limit} MiB; split it", field="content")


class DocumentEmpty(InvalidInput):
    reason = "DOCUMENT_EMPTY"

    def __init__(self) -> None:
        super().__init__("the document holds no bytes; send its content", field="content")


class DocumentCutShort(InvalidInput):
    reason = "DOCUMENT_CUT_SHORT"

    def __init__(self, came: int, expected: int) -> None:
        super().__init__(
            f"{came} bytes came where {expected} were announced; send it again", field="content"
        )


class DocumentUnreadable(FailedPrecondition):
    """The file was accepted but could not be converted; the message says why, for a person."""

    reason = "DOCUMENT_UNREADABLE"


class Collection(Enum):
    """What a document is for; an agent's retrieval says which collections it reads."""

    BRAND = "brand"
    PRODUCT = "product"
    CAMPAIGN = "campaign"
    WEB = "web"
    GENERAL = "general"


class IngestState(Enum):
    PENDING = "pending"
    CONVERTING = "converting"
    EMBEDDING = "embedding"
    READY = "ready"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        return self in (IngestState.READY, IngestState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`content_sha256` is lower-case hex; `failure` is for people and set only when FAILED.

    `version` counts the files of this name in the space. Of `stage_total` pages (CONVERTING) or
    passages (EMBEDDING) `stage_done` are done; both are 0 when that is not known. `retries` is how
    often the ingestion was put off because something that it needs did not answer. `fence` counts
    how often the document was taken up, and nothing takes it back. `warnings` are for people too:
    what was left out of a document that is READY.
    """

    document_id: DocumentId
    space_id: SpaceId
    filename: str
    title: str
    media_type: MediaType
    collection: Collection
    size_bytes: int
    content_sha256: str
    state: IngestState
    chunk_count: int
    page_count: int
    failure: str
    create_time: datetime
    update_time: datetime
    version: int = 1
    stage_done: int = 0
    stage_total: int = 0
    retries: int = 0
    fence: int = 0
    warnings: tuple[str, ...] = ()


def checked_filename(filename: str) -> str:
    """Return the last path segment; raise InvalidInput when nothing usable is left."""
    name = filename.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if not name or name in (".", "..") or any(ord(c) < 32 for c in name):
        raise InvalidInput("give the file's name, such as 'brand-guide.docx'", field="filename")
    if len(name) > MAX_FILENAME_CHARACTERS:
        raise InvalidInput(
            f"a file name may have at most {MAX_FILENAME_CHARACTERS} characters", field="filename"
        )
    shown, hidden = without_unseen(name)
    if hidden:
        raise InvalidInput(
            "the file's name holds characters that nobody sees; rename the file", field="filename"
        )
    return shown
