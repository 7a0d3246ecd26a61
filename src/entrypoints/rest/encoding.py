"""Messages to proto3 JSON values: what `json_format.MessageToDict` gives, several times faster.

Names are lowerCamelCase, 64-bit integers are strings, and a field without presence is written even
when it holds its default, so that a reader never has to know the defaults. A writer is compiled
once for each message type from its descriptor.
"""

import base64
import json
import math
import struct
from collections.abc import Callable
from functools import cache

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor, OneofDescriptor
from google.protobuf.message import Message

type_ = FieldDescriptor
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Writer = Callable[[Message, dict[str, Json]], None]

INT64 = {type_.TYPE_INT64, type_.TYPE_UINT64, type_.TYPE_SINT64}
INT64 |= {type_.TYPE_FIXED64, type_.TYPE_SFIXED64}
WELL_KNOWN = {
    f"google.protobuf.{name}"
    for name in ("Any", "Duration", "FieldMask", "ListValue", "Struct", "Timestamp", "Value")
}
WRAPPERS = "google/protobuf/wrappers.proto"
_TEXTUAL = {f"google.protobuf.{name}" for name in ("Duration", "FieldMask", "Timestamp")}

_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dump(value: Json) -> bytes:
    """JSON text on one line, UTF-8."""
    return _dump(value).encode()


def encode(message: Message) -> Json:
    """The message's proto3 JSON value; an object for all but some well-known types."""
    return _encoder(message.DESCRIPTOR)(message)


def map_value(field: FieldDescriptor) -> FieldDescriptor | None:
    """The value field of a map's entries; None when the field is no map."""
    entry = field.message_type
    if entry is None or not entry.GetOptions().map_entry:
        return None
    return entry.fields_by_name["value"]


@cache
def _encoder(descriptor: Descriptor) -> Callable[[Message], Json]:
    if descriptor.full_name in _TEXTUAL:
        return lambda message: message.ToJsonString()  # type: ignore[attr-defined]  # well-known
    if descriptor.full_name in WELL_KNOWN or descriptor.file.name == WRAPPERS:
        return _library_encode
    writers: list[Writer] = []

    def write(message: Message) -> Json:
        if not writers:  # filled when first used, because a type may contain itself
            writers.extend(_writers(descriptor))
        answer: dict[str, Json] = {}
        for writer in writers:
            writer(message, answer)
        return answer

    return write


def _library_encode(message: Message) -> Json:
    value: Json = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    return value


def _writers(descriptor: Descriptor) -> list[Writer]:
    oneofs = [oneof for oneof in descriptor.oneofs if len(oneof.fields) > 1]
    grouped = {field.name for oneof in oneofs for field in oneof.fields}
    alone = [_writer(field) for field in descriptor.fields if field.name not in grouped]
    return alone + [_oneof_writer(oneof) for oneof in oneofs]


def _oneof_writer(oneof: OneofDescriptor) -> Writer:
    name = oneof.name
    members = {field.name: (field.json_name, value_encoder(field)) for field in oneof.fields}

    def write(message: Message, answer: dict[str, Json]) -> None:
        which = message.WhichOneof(name)
        if which is not None:
            json_name, encode_value = members[which]
            answer[json_name] = encode_value(getattr(message, which))

    return write


def _writer(field: FieldDescriptor) -> Writer:
    name, json_name, encode_value = field.name, field.json_name, value_encoder(field)

    def write(message: Message, answer: dict[str, Json]) -> None:
        answer[json_name] = encode_value(getattr(message, name))

    def write_present(message: Message, answer: dict[str, Json]) -> None:
        if message.HasField(name):
            answer[json_name] = encode_value(getattr(message, name))

    return write_present if field.has_presence else write


def value_encoder(field: FieldDescriptor) -> Callable[..., Json]:
    """How the value of the field, whole, becomes JSON."""
    if (entry_value := map_value(field)) is not None:
        encode_one = single_encoder(entry_value)
        return lambda entries: {_key(key): encode_one(entries[key]) for key in entries}
    encode_each = single_encoder(field)
    if field.is_repeated:
        return lambda values: [encode_each(value) for value in values]
    return encode_each


def single_encoder(field: FieldDescriptor) -> Callable[..., Json]:
    """How one value, or one element, of the field becomes JSON."""
    if field.message_type is not None:
        return _encoder(field.message_type)
    if field.enum_type is not None:
        if field.enum_type.full_name == "google.protobuf.NullValue":
            return lambda value: None
        names = {number: value.name for number, value in field.enum_type.values_by_number.items()}
        return lambda number: names.get(number, number)
    if field.type in INT64:
        return str
    if field.type == type_.TYPE_BYTES:
        return lambda value: base64.b64encode(value).decode()
    if field.type in (type_.TYPE_DOUBLE, type_.TYPE_FLOAT):
        return _double if field.type == type_.TYPE_DOUBLE else _float
    return _same


def _same(value: Json) -> Json:
    return value


def _double(value: float) -> Json:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _float(value: float) -> Json:
    """The shortest decimal that reads back as the same 32-bit number."""
    if not math.isfinite(value):
        return _double(value)
    return next(
        (
            short
            for digits in (6, 7, 8, 9)
            if _narrow(short := float(f"{value:.{digits}g}")) == value
        ),
        value,
    )


def _narrow(value: float) -> float:
    try:
        narrow: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.inf
    return narrow


def _key(key: bool | int | str) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
