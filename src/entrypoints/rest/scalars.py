"""One JSON value to one proto scalar, or a sentence about what was expected instead."""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable
from functools import cache

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from entrypoints.rest.encoding import Json

Scalar = bool | int | float | str | bytes
type_ = FieldDescriptor

_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?", re.ASCII)
_UNSIGNED_32 = {type_.TYPE_UINT32, type_.TYPE_FIXED32}
_UNSIGNED_64 = {type_.TYPE_UINT64, type_.TYPE_FIXED64}
_SIGNED_32 = {type_.TYPE_INT32, type_.TYPE_SINT32, type_.TYPE_SFIXED32}
_SIGNED_64 = {type_.TYPE_INT64, type_.TYPE_SINT64, type_.TYPE_SFIXED64}
_LARGEST_FLOAT = 3.4028235677973366e38
"""Half a step above the largest 32-bit float; what lies below rounds to it."""


class Refused(ValueError):
    """The text says what was expected and what came."""


def show(value: Json) -> str:
    """A value as it may stand in a message: JSON, and cut short."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    text = json.dumps(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 80 else text[:80] + "..."


@cache
def scalar_reader(field: FieldDescriptor, *, from_text: bool = False) -> Callable[[Json], Scalar]:
    """How the field reads one value. `from_text`: map keys, where true and false are strings."""
    if field.enum_type is not None:
        return _enum_reader(field.enum_type)
    if field.type == type_.TYPE_BOOL:
        return _read_bool_text if from_text else _read_bool
    if field.type == type_.TYPE_STRING:
        return _read_string
    if field.type == type_.TYPE_BYTES:
        return _read_bytes
    if field.type in (type_.TYPE_DOUBLE, type_.TYPE_FLOAT):
        largest = math.inf if field.type == type_.TYPE_DOUBLE else _LARGEST_FLOAT
        return lambda value: _read_number(value, largest)
    lowest, highest = _bounds(field.type)
    return lambda value: _read_integer(value, lowest, highest)


def _bounds(kind: int) -> tuple[int, int]:
    if kind in _UNSIGNED_32 | _UNSIGNED_64:
        return 0, 2 ** (32 if kind in _UNSIGNED_32 else 64) - 1
    if kind not in _SIGNED_32 | _SIGNED_64:
        raise TypeError(f"no JSON form for the field type {kind}")
    half: int = 2 ** (31 if kind in _SIGNED_32 else 63)
    return -half, half - 1


def _read_integer(value: Json, lowest: int, highest: int) -> int:
    number: int | None = None
    if isinstance(value, str):
        number = int(value) if _INTEGER.fullmatch(value) else None
    elif isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        number = int(value)
    if number is None or not lowest <= number <= highest:
        raise Refused(f"expected an integer from {lowest} to {highest}, not {show(value)}")
    return number


def _read_number(value: Json, largest: float) -> float:
    if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    number: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value) if abs(value) < 2**1024 else None
    elif isinstance(value, str) and _NUMBER.fullmatch(value):
        number = float(value)
    if number is None or not abs(number) < largest:
        raise Refused(f"expected a number within range, not {show(value)}")
    return number


def _read_bool(value: Json) -> bool:
    if not isinstance(value, bool):
        raise Refused(f"expected true or false, not {show(value)}")
    return value


def _read_bool_text(value: Json) -> bool:
    if value not in ("true", "false"):
        raise Refused(f'expected "true" or "false", not {show(value)}')
    return value == "true"


def _read_string(value: Json) -> str:
    if not isinstance(value, str):
        raise Refused(f"expected a string, not {show(value)}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused("expected whole characters, not half of a surrogate pair") from None
    return value


def _read_bytes(value: Json) -> bytes:
    if isinstance(value, str):
        text = value.rstrip("=").replace("-", "+").replace("_", "/")
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            pass
    raise Refused(f"expected bytes in base64, not {show(value)}")


def _enum_reader(enum: EnumDescriptor) -> Callable[[Json], int]:
    numbers = {name: value.number for name, value in enum.values_by_name.items()}
    known, expected = set(numbers.values()), ", ".join(numbers)

    def read(value: Json) -> int:
        if isinstance(value, str) and value in numbers:
            return numbers[value]
        if value is None and enum.full_name == "google.protobuf.NullValue":
            return 0
        if isinstance(value, int) and not isinstance(value, bool) and value in known:
            return value
        raise Refused(f"expected one of {expected}, not {show(value)}")

    return read
