"""Reading a body without ever holding more of it, compressed or not, than was agreed."""

import zlib
from collections.abc import AsyncIterable

from domain.safety.web_page import PageNotReadable, SiteUnavailable

# The same for gzip and zlib; some servers send bare deflate all the same.
_EITHER_HEADER, _NO_HEADER = 47, -15
_GZIP, _MOST_MEMBERS = b"\x1f\x8b", 1_000
_NOT_COMPRESSED = frozenset({"", "identity"})
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
ACCEPTED_ENCODINGS = "gzip, deflate"


class TooMuch(Exception):
    """More came than was agreed; `head` is what was agreed."""

    def __init__(self, head: bytes) -> None:
        super().__init__("more bytes than agreed")
        self.head = head


async def read_body(pieces: AsyncIterable[bytes], encoding: str, most_bytes: int) -> bytes:
    """The decompressed body. Raises TooMuch, PageNotReadable, SiteUnavailable."""
    encoding = encoding.strip().lower()
    if encoding not in _NOT_COMPRESSED | _COMPRESSED:
        raise PageNotReadable(f"the page comes packed in a way that was not asked for: {encoding}")
    inflate = _Inflate() if encoding in _COMPRESSED else None
    body = bytearray()
    async for piece in pieces:
        # One byte more than agreed is enough to know that it is too much.
        room = most_bytes - len(body) + 1
        body += inflate(piece, room) if inflate else piece[:room]
        if len(body) > most_bytes:
            raise TooMuch(bytes(body[:most_bytes]))
    if inflate and not inflate.is_whole:
        raise SiteUnavailable("the page came cut short; try again later")
    return bytes(body)


class _Inflate:
    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_EITHER_HEADER)
        self._begun = False
        self._members = 1

    @property
    def is_whole(self) -> bool:
        return self._stream.eof or not self._begun

    def __call__(self, piece: bytes, room: int) -> bytes:
        found = b""
        try:
            while piece and len(found) < room and self._goes_on(piece):
                found += self._inflated(piece, room - len(found))
                piece = self._stream.unused_data
        except zlib.error as error:
            raise PageNotReadable("the page's compression is broken") from error
        return found

    def _goes_on(self, piece: bytes) -> bool:
        """Whether more is to be read. A file of gzip may be several, one after the other."""
        if not self._stream.eof:
            return True
        if not piece.startswith(_GZIP[: len(piece)]):
            return False
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise PageNotReadable("the page comes packed in too many pieces")
        self._stream = zlib.decompressobj(_EITHER_HEADER)
        return True

    def _inflated(self, piece: bytes, room: int) -> bytes:
        begun, self._begun = self._begun, True
        try:
            found = self._stream.decompress(piece, room)
        except zlib.error:
            if begun:
                raise
            self._stream = zlib.decompressobj(_NO_HEADER)
            found = self._stream.decompress(piece, room)
        # `room` is only used up by what is too much anyway, so no unconsumed tail is left over.
        return found
