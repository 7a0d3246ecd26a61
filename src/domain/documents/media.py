"""Which kinds of file Obelisk reads, told by name and confirmed by the first bytes."""

from enum import Enum
from pathlib import PurePosixPath

from domain.errors import InvalidInput


class MediaType(Enum):
    """Values are IANA media types."""

    MARKDOWN = "text/markdown"
    HTML = "text/html"
    CSV = "text/csv"
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class UnsupportedMediaType(InvalidInput):
    reason = "UNSUPPORTED_MEDIA_TYPE"


class MediaTypeMismatch(InvalidInput):
    reason = "MEDIA_TYPE_MISMATCH"


_BY_SUFFIX = {
    ".md": MediaType.MARKDOWN,
    ".markdown": MediaType.MARKDOWN,
    ".txt": MediaType.MARKDOWN,
    ".html": MediaType.HTML,
    ".htm": MediaType.HTML,
    ".csv": MediaType.CSV,
    ".pdf": MediaType.PDF,
    ".docx": MediaType.DOCX,
    ".pptx": MediaType.PPTX,
    ".xlsx": MediaType.XLSX,
}
_MAGIC = {
    MediaType.PDF: b"%PDF-",
    MediaType.DOCX: b"PK\x03\x04",
    MediaType.PPTX: b"PK\x03\x04",
    MediaType.XLSX: b"PK\x03\x04",
}
_HEAD_BYTES = 1024


def check_suffix(filename: str) -> MediaType:
    """Tell the media type by the name alone. Raises UnsupportedMediaType."""
    suffix = PurePosixPath(filename).suffix.lower()
    media_type = _BY_SUFFIX.get(suffix)
    if media_type is None:
        known = ", ".join(sorted(_BY_SUFFIX))
        raise UnsupportedMediaType(
            f"files ending in {suffix or 'nothing'!r} cannot be read; send one of {known}",
            field="filename",
        )
    return media_type


def media_type_of(filename: str, content: bytes) -> MediaType:
    """Tell the media type of an upload.

    Raises:
        UnsupportedMediaType: the name's ending is none that Obelisk reads.
        MediaTypeMismatch: the first bytes are not what the name promises.
    """
    media_type = check_suffix(filename)
    _confirm(filename, media_type, content[:_HEAD_BYTES])
    return media_type


def _confirm(filename: str, media_type: MediaType, head: bytes) -> None:
    magic = _MAGIC.get(media_type)
    if magic is not None and magic not in head:
        raise MediaTypeMismatch(
            f"{filename!r} does not hold what its name promises ({media_type.value})",
            field="content",
        )
    if magic is None and b"\x00" in head:
        raise MediaTypeMismatch(
            f"{filename!r} is named as text ({media_type.value}) but holds binary data",
            field="content",
        )
