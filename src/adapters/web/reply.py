"""What a site's answer says of itself: its media type, and its text as UTF-8."""

import re
from email.message import Message

from domain.documents.media import MediaType, UnsupportedMediaType, check_suffix
from domain.safety.web_address import WebAddress
from domain.safety.web_page import PageNotReadable

_ALSO = {
    "text/plain": MediaType.MARKDOWN,
    "text/x-markdown": MediaType.MARKDOWN,
    "application/xhtml+xml": MediaType.HTML,
    "application/csv": MediaType.CSV,
    "application/x-pdf": MediaType.PDF,
}
_TYPES = {media_type.value: media_type for media_type in MediaType} | _ALSO
_UNKNOWN = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_TEXTS = frozenset({MediaType.HTML, MediaType.MARKDOWN, MediaType.CSV})
# Names that pages use; the codecs of Python include some that are slow on purpose-made input.
_CHARSETS = re.compile(
    r"utf-?(8|16|16le|16be|32)|us-ascii|ascii|latin-?1|iso-?8859-\d{1,2}|(windows-|cp)125\d"
    r"|koi8-[ru]|macintosh|shift[_-]jis|euc-(jp|kr)|iso-2022-jp|gb(k|2312|18030)|big5"
)


def media_type_of_reply(content_type: str, address: WebAddress) -> MediaType:
    """By the header, or by the address's ending where the header says nothing.

    Raises PageNotReadable: it is of a kind that no document is.
    """
    named = _parsed(content_type).get_content_type() if content_type.strip() else ""
    if named in _TYPES:
        return _TYPES[named]
    if named in _UNKNOWN:
        try:
            return check_suffix(address.target.partition("?")[0])
        except UnsupportedMediaType:
            pass
    raise PageNotReadable(
        f"what lies there is {named or 'of an unknown kind'}, which is no kind of document; "
        "give the address of a page, a PDF or an office document"
    )


def as_utf8(content: bytes, media_type: MediaType, content_type: str) -> bytes:
    """A text in UTF-8 when its header names another charset; everything else as it came."""
    charset = str(_parsed(content_type).get_param("charset", "") or "").strip("\"' ").lower()
    if media_type not in _TEXTS or not _CHARSETS.fullmatch(charset) or charset in ("utf-8", "utf8"):
        return content
    try:
        return content.decode(charset, "replace").encode()
    except LookupError:
        return content


def _parsed(content_type: str) -> Message:
    message = Message()
    message["Content-Type"] = content_type
    return message
