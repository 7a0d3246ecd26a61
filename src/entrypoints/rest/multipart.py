"""multipart/form-data as a stream: the parts one after another, and never a whole file in memory.

Source: RFC 7578, and RFC 2046 section 5.1.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message as Header

from entrypoints.rest.errors import HttpError, refused

MAX_HEAD = 8192
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a part says of itself. `filename` is None for a form field that is no file."""

    name: str
    filename: str | None


def boundary_of(content_type: str) -> bytes:
    """The boundary of a multipart content type. Raises HttpError (400)."""
    header = Header()
    header["content-type"] = content_type
    boundary = header.get_boundary("")
    if not _BOUNDARY.fullmatch(boundary):
        raise malformed("the Content-Type names no boundary")
    return boundary.encode()


class MultipartReader:
    """Reads parts in order: `next_part`, then its `content`, then `next_part` again.

    Raises HttpError (400) when the body is not what its boundary promises.
    """

    def __init__(self, pieces: AsyncIterator[bytes], boundary: bytes) -> None:
        self._pieces = pieces
        self._delimiter = b"\r\n--" + boundary
        # The first delimiter may open the body, as if a line had ended before it.
        self._buffer = bytearray(b"\r\n")
        self._within = True

    async def next_part(self) -> Part | None:
        """The next part, or None after the last; what is left of the part before is skipped."""
        if self._within:
            async for _ in self.content():
                pass
        while len(self._buffer) < 2:
            await self._more()
        if self._buffer.startswith(b"--"):
            return None
        head = await self._head()
        self._within = True
        return _parse_head(head)

    async def content(self) -> AsyncIterator[bytes]:
        """The bytes of the part, as they come."""
        while True:
            found = self._buffer.find(self._delimiter)
            # What could be the start of a delimiter is held back.
            ready = found if found >= 0 else len(self._buffer) - len(self._delimiter) + 1
            if ready > 0:
                piece = bytes(self._buffer[:ready])
                del self._buffer[:ready]
                yield piece
            if found >= 0:
                del self._buffer[: len(self._delimiter)]
                self._within = False
                return
            await self._more()

    async def _head(self) -> bytes:
        """The rest of the delimiter's line with the header lines, without the empty line."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD:
                raise malformed(f"the headers of a part are longer than {MAX_HEAD} bytes")
            await self._more()
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        return head

    async def _more(self) -> None:
        try:
            self._buffer += await anext(self._pieces)
        except StopAsyncIteration:
            raise malformed("it ends before its closing boundary") from None


def _parse_head(head: bytes) -> Part:
    rest_of_line, _, lines = head.partition(b"\r\n")
    if rest_of_line.strip(b" \t"):
        raise malformed("a boundary is followed by other text on its line")
    try:
        headers = message_from_string(lines.decode())
    except UnicodeDecodeError:
        raise malformed("the headers of a part are not UTF-8") from None
    name = headers.get_param("name", header="content-disposition")
    if headers.get_content_disposition() != "form-data" or not isinstance(name, str):
        raise malformed("a part says no Content-Disposition: form-data with a name")
    return Part(name=name, filename=headers.get_filename())


def malformed(what: str) -> HttpError:
    return refused(f"the multipart body is malformed: {what}", reason="BODY_MALFORMED")
