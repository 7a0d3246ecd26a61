"""Which kinds of file Obelisk reads, told by name and confirmed by the first bytes."""

import re
from enum import Enum
from pathlib import PurePosixPath

from domain.errors import InvalidInput


class MediaType(Enum):
    """Values are IANA media types."""

    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
    HTML = "text/html"
    CSV = "text/csv"
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"

    @property
    def is_image(self) -> bool:
        return self.value.startswith("image/")


class UnsupportedMediaType(InvalidInput):
    reason = "UNSUPPORTED_MEDIA_TYPE"


class MediaTypeMismatch(InvalidInput):
    reason = "MEDIA_TYPE_MISMATCH"


_BY_SUFFIX = {
    ".md": MediaType.MARKDOWN,
    ".markdown": MediaType.MARKDOWN,
    ".txt": MediaType.TEXT,
    ".html": MediaType.HTML,
    ".htm": MediaType.HTML,
    ".csv": MediaType.CSV,
    ".pdf": MediaType.PDF,
    ".docx": MediaType.DOCX,
    ".pptx": MediaType.PPTX,
    ".xlsx": MediaType.XLSX,
    ".png": MediaType.PNG,
    ".jpg": MediaType.JPEG,
    ".jpeg": MediaType.JPEG,
    ".webp": MediaType.WEBP,
}
_MAGIC = {
    MediaType.PDF: b"%PDF-",
    MediaType.DOCX: b"PK\x03\x04",
    MediaType.PPTX: b"PK\x03\x04",
    MediaType.XLSX: b"PK\x03\x04",
}
# Pictures begin with their mark; the size of a WebP stands in the middle of its own.
_IMAGE_MAGIC = {
    MediaType.PNG: re.compile(rb"\x89PNG\r\n\x1a\n"),
    MediaType.JPEG: re.compile(rb"\xff\xd8\xff"),
    MediaType.WEBP: re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
HEAD_BYTES = 1024


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
    _confirm(filename, media_type, content[:HEAD_BYTES])
    return media_type


def _confirm(filename: str, media_type: MediaType, head: bytes) -> None:
    magic = _MAGIC.get(media_type)
    image = _IMAGE_MAGIC.get(media_type)
    promised = magic in head if magic else image.match(head) is not None if image else True
    if not promised:
        raise MediaTypeMismatch(
            f"{filename!r} does not hold what its name promises ({media_type.value})",
            field="content",
        )
    is_text = magic is None and image is None
    if is_text and b"\x00" in head and not head.startswith(_UTF_16):
        raise MediaTypeMismatch(
            f"{filename!r} is named as text ({media_type.value}) but holds binary data",
            field="content",
        )
