"""A file on its way in several requests: what has come is kept, and the rest can follow later."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.documents.document import Collection
from domain.errors import FailedPrecondition, InvalidInput, NotFound, OutOfRange, QuotaExceeded
from domain.identifiers import DocumentId, SpaceId, UploadId

UPLOAD_LIFE = timedelta(hours=24)
MOST_UPLOADS = 20
MOST_PARTS = 1_000


class UploadNotFound(NotFound):
    reason = "UPLOAD_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such upload in this space, or its time is over", field="upload_id")


class WrongOffset(OutOfRange):
    reason = "UPLOAD_OFFSET"

    def __init__(self, offset: int, received: int) -> None:
        super().__init__(
            f"the bytes from {offset} on came where those from {received} on are next",
            field="offset",
            metadata={"received_bytes": str(received)},
        )


class UploadTooLong(InvalidInput):
    reason = "UPLOAD_TOO_LONG"

    def __init__(self) -> None:
        super().__init__("more bytes came than the upload was to have", field="content")


class UploadFinished(FailedPrecondition):
    reason = "UPLOAD_FINISHED"

    def __init__(self) -> None:
        super().__init__("the upload has become a document already; begin another one")


class UploadUnfinished(FailedPrecondition):
    reason = "UPLOAD_UNFINISHED"

    def __init__(self, received: int, size: int) -> None:
        super().__init__(
            f"{received} of {size} bytes have come; send the rest first",
            metadata={"received_bytes": str(received)},
        )


class TooManyUploads(QuotaExceeded):
    reason = "TOO_MANY_UPLOADS"

    def __init__(self) -> None:
        super().__init__(
            f"this space has {MOST_UPLOADS} unfinished uploads, as many as it may;"
            " finish or cancel one"
        )


class TooManyParts(QuotaExceeded):
    reason = "TOO_MANY_PARTS"

    def __init__(self) -> None:
        super().__init__(f"an upload has at most {MOST_PARTS} parts; begin again, with larger ones")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """`received_bytes` of `size_bytes` are kept in `parts`, by the ids of their bytes.

    `document_id` is what it has become, None until then.
    """

    upload_id: UploadId
    space_id: SpaceId
    filename: str
    collection: Collection
    size_bytes: int
    create_time: datetime
    expire_time: datetime
    received_bytes: int = 0
    parts: tuple[DocumentId, ...] = ()
    document_id: DocumentId | None = None
