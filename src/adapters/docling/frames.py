"""Length-prefixed frames between the converter and its child: four bytes, big-endian, then data."""

import json
import struct
from typing import BinaryIO

HEADER = struct.Struct(">I")
MAX_FRAME_BYTES = 256 * 1024 * 1024


class FrameTooLong(Exception):
    """The other side announced more bytes than a frame may hold."""


def encode_frame(data: bytes) -> bytes:
    if len(data) > MAX_FRAME_BYTES:
        raise FrameTooLong
    return HEADER.pack(len(data)) + data


def encode_json(value: object) -> bytes:
    return encode_frame(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def frame_length(header: bytes) -> int:
    """Raises FrameTooLong."""
    length = int(HEADER.unpack(header)[0])
    if length > MAX_FRAME_BYTES:
        raise FrameTooLong
    return length


def read_frame(stream: BinaryIO) -> bytes | None:
    """Read one frame, or None when the other side has gone."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    length = frame_length(header)
    data = stream.read(length)
    return data if len(data) == length else None
