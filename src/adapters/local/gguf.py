"""Reads what a GGUF file says of itself, without loading its weights.

Source: the GGUF specification, versions 2 and 3 (little endian).
"""

import mmap
import struct
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

MAGIC = b"GGUF"
_STRING, _ARRAY = 8, 9
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_CONTROL, _USER_DEFINED = 3, 4

# Quoted: the array type takes no parameters at run time before Python 3.12.
Value: TypeAlias = "int | float | bool | str | list[str] | array[int] | None"


class InvalidGguf(ValueError):
    """The file is not a GGUF that we can read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """`control_tokens` are the texts that the model reads as structure, such as `<|im_end|>`."""

    architecture: str
    trained_context_tokens: int
    control_tokens: frozenset[str]


def read_header(path: Path) -> GgufHeader:
    """Read the metadata of the file at `path`.

    Raises:
        InvalidGguf: not a GGUF, of a version that we do not know, or cut short.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise InvalidGguf("the file does not begin with GGUF")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return _header(_Cursor(data, 4))
            except (struct.error, UnicodeDecodeError, OverflowError) as error:
                raise InvalidGguf("the metadata is damaged or cut short") from error


def _header(cursor: "_Cursor") -> GgufHeader:
    version = int(cursor.number("I"))
    if version not in (2, 3):
        raise InvalidGguf(f"GGUF version {version} is not 2 or 3")
    cursor.number("Q")
    metadata = {cursor.string(): cursor.value() for _ in range(int(cursor.number("Q")))}
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str):
        raise InvalidGguf("the metadata names no architecture")
    trained = metadata.get(f"{architecture}.context_length")
    return GgufHeader(
        architecture=architecture,
        trained_context_tokens=trained if isinstance(trained, int) else 0,
        control_tokens=_control_tokens(metadata),
    )


def _control_tokens(metadata: dict[str, Value]) -> frozenset[str]:
    texts, kinds = (metadata.get(f"tokenizer.ggml.{key}") for key in ("tokens", "token_type"))
    if not isinstance(texts, list) or not isinstance(kinds, array):
        return frozenset()
    marked = zip(texts, kinds, strict=False)
    return frozenset(text for text, kind in marked if len(text) > 1 and _is_control(text, kind))


def _is_control(text: str, kind: int) -> bool:
    # Some files mark their role tokens as user-defined; plain words of that kind are harmless.
    return kind == _CONTROL or (kind == _USER_DEFINED and text.startswith("<|"))


class _Cursor:
    """Walks the metadata; every read is checked against the end of the file."""

    def __init__(self, data: mmap.mmap, at: int) -> None:
        self._data, self._at = data, at

    def number(self, code: str) -> int | float | bool:
        layout = struct.Struct(f"<{code}")
        (value,) = layout.unpack_from(self._data, self._at)
        self._at += layout.size
        checked: int | float | bool = value
        return checked

    def bytes(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise InvalidGguf("the metadata is cut short")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def string(self) -> str:
        return self.bytes(int(self.number("Q"))).decode("utf-8", "replace")

    def value(self) -> Value:
        kind = int(self.number("I"))
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self._array()
        return self.number(_scalar(kind))

    def _array(self) -> Value:
        kind, length = int(self.number("I")), int(self.number("Q"))
        if kind == _STRING:
            return [self.string() for _ in range(self._bounded(length))]
        code = _scalar(kind)
        raw = self.bytes(struct.calcsize(f"<{code}") * length)
        return array("i", raw) if code == "i" else None

    def _bounded(self, length: int) -> int:
        if length > len(self._data):
            raise InvalidGguf("the metadata is cut short")
        return length


def _scalar(kind: int) -> str:
    code: str | None = _SCALARS.get(kind)
    if code is None:
        raise InvalidGguf(f"the metadata holds a value of the unknown type {kind}")
    return code
