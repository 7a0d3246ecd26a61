"""Server-sent events, read from bytes.

Source: the WHATWG HTML standard, "Server-sent events". Lines end in LF or CRLF only: splitting text
as Python does would cut an event in two at a U+2028 inside a JSON string.
"""

from collections.abc import AsyncGenerator, AsyncIterator

_LONGEST_LINE = 4 * 1024 * 1024


class EventTooLong(ValueError):
    """A line grew past four megabytes; no model server writes such."""


async def events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str]:
    """The data of each event, in order; comments, names, ids and empty events are left out."""
    data: list[str] = []
    async for line in _lines(chunks):
        if not line:
            if data:
                yield "\n".join(data)
            data = []
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
    # A server that forgets the last empty line has still said it.
    if data:
        yield "\n".join(data)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str]:
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise EventTooLong
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
    if rest:
        yield rest.removesuffix(b"\r").decode("utf-8", "replace")
