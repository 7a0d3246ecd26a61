"""Text of size 0 takes up no room, so pdfium leaves it out: give it a size that can be read.

The streams are rewritten in place; pdfium finds the moved objects again by itself.
"""

import re
import zlib

MAX_STREAM_BYTES = 32 * 1024 * 1024
_OBJECT = re.compile(rb"(\d+\s+\d+\s+obj\b)([^\x00]{0,4000}?)stream\r?\n(.*?)endstream", re.DOTALL)
_ZERO_SIZE = re.compile(rb"(/[^\s/]{1,80}\s+)[-+]?0*\.?0+(?=\s+Tf\b)")
_FILTER = re.compile(rb"/Filter\s*(?:\[\s*/FlateDecode\s*\]|/FlateDecode)")
_LENGTH = re.compile(rb"/Length\s+\d+(?:\s+\d+\s+R)?")
_READABLE = rb"\g<1>0.5"


def with_sizes(content: bytes) -> bytes:
    """The same file with every text of size 0 half a point tall."""
    return _OBJECT.sub(_rewritten, content)


def _rewritten(match: re.Match[bytes]) -> bytes:
    head, entries, data = match.groups()
    plain = _unpacked(entries, data)
    if plain is None or not _ZERO_SIZE.search(plain):
        return match[0]
    plain = _ZERO_SIZE.sub(_READABLE, plain)
    entries = _LENGTH.sub(b"/Length %d" % len(plain), _FILTER.sub(b"", entries))
    return b"%b%bstream\n%b\nendstream" % (head, entries, plain)


def _unpacked(entries: bytes, data: bytes) -> bytes | None:
    if b"/Image" in entries or b"/DecodeParms" in entries:
        return None
    if b"/Filter" not in entries:
        return data
    if not _FILTER.search(entries):
        return None
    try:
        return zlib.decompressobj().decompress(data, MAX_STREAM_BYTES)
    except zlib.error:
        return None
