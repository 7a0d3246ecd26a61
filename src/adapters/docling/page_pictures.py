"""Pictures that stand in the very text of a page or of Markdown, in `data:` addresses."""

import re
from base64 import b64decode
from html import unescape
from urllib.parse import unquote_to_bytes

from docling_core.types.doc.common.reference import ImageRef

from adapters.docling.page_tree import QuickPageBackend
from adapters.docling.stand_ins import PutAside, Reading, stand_in

# What comes after so many has no stand-in: each costs docling a moment.
_MOST = 1_000
# An address that cannot exist, and looks like that of a picture to whoever keeps those only.
_ADDRESS = "https://picture.invalid/{}.png"
_OURS = re.compile(r"https://picture\.invalid/(\d{1,7})\.png")
_IN_A_PAGE = re.compile(
    rb"""(<img\b[^<>]*?\ssrc\s*=\s*)("\s*data:[^"]*"|'\s*data:[^']*'|data:[^\s>]*)""", re.IGNORECASE
)
_IN_MARKDOWN = re.compile(
    r"(!\[[^\[\]]*\]\(\s*|^ {0,3}\[[^\[\]]+\]:\s*)(<data:[^<>\n]*>|data:[^\s<>)]*)", re.M | re.I
)
_IMAGE = re.compile(rb"data:(?:image/[a-z0-9.+-]+)?[^,]*;base64,", re.IGNORECASE)
_DRAWING = re.compile(rb"data:image/svg", re.IGNORECASE)
_NOT_BASE64 = re.compile(rb"\s+")


def page_without_pictures(page: bytes) -> tuple[bytes, PutAside]:
    """The page with an address for each picture, and the pictures by their numbers."""
    found: list[Reading] = []
    return _without_elements(page, found), _aside(found)


def markdown_without_pictures(text: str) -> tuple[str, PutAside]:
    """The same of Markdown and the elements in it, also of pictures that it names below."""
    found: list[Reading] = []

    def aside(match: "re.Match[str]") -> str:
        return match[1] + _put_aside(match[2].strip("<>").encode("utf-8", "replace"), found)

    page = _without_elements(_IN_MARKDOWN.sub(aside, text).encode("utf-8", "replace"), found)
    return page.decode(), _aside(found)


def _without_elements(page: bytes, found: list[Reading]) -> bytes:
    def aside(match: "re.Match[bytes]") -> bytes:
        return match[1] + b'"' + _put_aside(match[2].strip(b"\"'"), found).encode() + b'"'

    return _IN_A_PAGE.sub(aside, page)


def _aside(found: list[Reading]) -> PutAside:
    return PutAside(found, more=max(0, len(found) - _MOST))


def _put_aside(address: bytes, found: list[Reading]) -> str:
    found.append(lambda: _decoded(address))
    return _ADDRESS.format(len(found) - 1) if len(found) <= _MOST else ""


def _decoded(address: bytes) -> bytes | None:
    """The bytes in an address; None when they are no base64, empty for a drawing (SVG)."""
    plain = unescape(address.decode("ascii", "replace")).strip().encode("utf-8")
    if _DRAWING.match(plain):
        return b""
    head = _IMAGE.match(plain)
    if head is None:
        return None
    try:
        return b64decode(_NOT_BASE64.sub(b"", unquote_to_bytes(plain[head.end() :])), validate=True)
    except ValueError:
        return None


class PageBackend(QuickPageBackend):
    """docling's reader of pages, with a stand-in for each picture that was put aside.

    It asks no other address, of this machine or of another.
    """

    def _create_image_ref(self, src_url: str) -> ImageRef | None:
        ours = _OURS.fullmatch(src_url)
        return ImageRef.from_pil(stand_in(int(ours[1])), dpi=72) if ours else None
