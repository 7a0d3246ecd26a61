"""Frames of the protocol that Redis speaks: enough of it to tell one message from the next."""

from collections.abc import Iterator

_END = b"\r\n"
_TEXTS = b"$=!"
_LISTS = {ord("*"): 1, ord("~"): 1, ord(">"): 1, ord("%"): 2}
_MESSAGES = (b"*3\r\n$7\r\nmessage\r\n", b">3\r\n$7\r\nmessage\r\n")


def frames(buffer: bytearray) -> Iterator[bytes]:
    """Take the whole frames off the front of `buffer`; what is incomplete stays."""
    while (end := _end_of(buffer, 0)) is not None:
        frame = bytes(buffer[:end])
        del buffer[:end]
        yield frame


def is_message(frame: bytes) -> bool:
    """Whether the frame is what somebody has published."""
    return frame.startswith(_MESSAGES)


def _end_of(buffer: bytearray, start: int) -> int | None:
    line = buffer.find(_END, start)
    if line < 0:
        return None
    kind, end = buffer[start], line + len(_END)
    if kind in _TEXTS:
        size = int(buffer[start + 1 : line])
        end = end if size < 0 else end + size + len(_END)
        return end if end <= len(buffer) else None
    for _ in range(_LISTS.get(kind, 0) * _count(buffer, start, line)):
        within = _end_of(buffer, end)
        if within is None:
            return None
        end = within
    return end


def _count(buffer: bytearray, start: int, line: int) -> int:
    return int(buffer[start + 1 : line]) if buffer[start] in _LISTS else 0
