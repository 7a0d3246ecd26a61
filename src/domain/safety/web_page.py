"""A page as it was fetched, and why one could not be."""

from dataclasses import dataclass

from domain.documents.media import MediaType
from domain.errors import FailedPrecondition, Unavailable
from domain.safety.web_address import WebAddress

MAX_PAGE_BYTES = 20 * 1024 * 1024
_SCHEMES = ("https://", "http://")


class PageNotReadable(FailedPrecondition):
    """The site answered, but not with a page that may be read; the message says why."""

    reason = "PAGE_NOT_READABLE"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="url")


class SiteUnavailable(Unavailable):
    """The site did not answer in time, or says that it cannot now."""

    reason = "SITE_UNAVAILABLE"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="url")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPage:
    """`address` is where the content was found, after every redirect; `content` is decompressed."""

    address: WebAddress
    media_type: MediaType
    content: bytes


def is_web_page(filename: str) -> bool:
    """Whether a document is named by its address on the web, and so was fetched from there."""
    return filename.startswith(_SCHEMES)
