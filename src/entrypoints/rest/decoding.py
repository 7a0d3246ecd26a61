"""Proto3 JSON values to messages, strictly: every refusal names the field and what it takes.

Both the lowerCamelCase and the proto name of a field are read. A name that the message lacks, a
name given in both spellings, a second member of a oneof and a value of the wrong kind are refused;
null means "not given". Readers are compiled once for each message type from its descriptor.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from entrypoints.rest.encoding import WELL_KNOWN, WRAPPERS, Json, map_value
from entrypoints.rest.errors import HttpError, refused
from entrypoints.rest.scalars import Refused, Scalar, scalar_reader, show

MAX_DEPTH = 100
_TAKES_NULL = {"google.protobuf.Value", "google.protobuf.NullValue"}
_EXPECTED = {
    "google.protobuf.Timestamp": 'an RFC 3339 time such as "2026-01-31T12:00:00Z"',
    "google.protobuf.Duration": 'a duration in seconds such as "1.5s"',
    "google.protobuf.FieldMask": 'lowerCamelCase names joined by commas, such as "title,tone"',
    "google.protobuf.Struct": "an object",
    "google.protobuf.ListValue": "an array",
    "google.protobuf.Any": 'an object with a known "@type"',
}

_ENUM_NUMBER = re.compile(r"-?[0-9]{1,10}", re.ASCII)

Setter = Callable[[Message, Json, str, int], None]
"""(message, JSON value, path of the value, depth) -> None"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A field as JSON callers set it."""

    name: str
    oneof: str | None
    takes_null: bool
    set: Setter


def decode(value: Json, message: Message, *, path: str = "", depth: int = 0) -> None:
    """Merge `value` into `message`. Raises HttpError (400) naming the first wrong field."""
    if depth > MAX_DEPTH:
        raise _wrong(path, f"is nested deeper than {MAX_DEPTH} levels")
    if is_well_known(message.DESCRIPTOR):
        return _decode_well_known(value, message, path)
    if not isinstance(value, dict):
        raise _wrong(path, f"expected an object, not {show(value)}")
    members = _members(message.DESCRIPTOR)
    seen: set[str] = set()
    chosen: set[str] = set()
    for name, part in value.items():
        member = members.get(name)
        if member is None:
            known = [field.json_name for field in message.DESCRIPTOR.fields]
            raise unknown_field(name, message.DESCRIPTOR.name, known, path)
        where = join(path, member.name)
        if member.name in seen:
            raise _wrong(where, "is given twice, once in each spelling")
        seen.add(member.name)
        if part is None and not member.takes_null:
            continue
        if member.oneof is not None:
            if member.oneof in chosen:
                raise _wrong(where, f'another member of "{member.oneof}" is given already')
            chosen.add(member.oneof)
        member.set(message, part, where, depth + 1)
    return None


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@cache
def is_well_known(descriptor: Descriptor) -> bool:
    """Whether the type has a JSON form of its own."""
    return descriptor.full_name in WELL_KNOWN or descriptor.file.name == WRAPPERS


def unknown_field(name: str, owner: str, known: Sequence[str], path: str) -> HttpError:
    """400: `owner`, a message type with the JSON names `known`, lacks `name`."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        hint = f'; did you mean "{close[0]}"?'
    else:
        hint = f"; it has {', '.join(known)}" if known else "; it has no fields"
    text = f"{owner} has no field {show(name)}{hint}"
    return refused(text, reason="UNKNOWN_FIELD", field=join(path, name[:100]))


def _wrong(path: str, what: str) -> HttpError:
    return refused(f"{path or 'the body'}: {what}", field=path)


@cache
def _members(descriptor: Descriptor) -> dict[str, Member]:
    members: dict[str, Member] = {}
    for field in descriptor.fields:
        kind = field.message_type or field.enum_type
        oneof = field.containing_oneof
        members[field.name] = members[field.json_name] = Member(
            name=field.name,
            oneof=oneof.name if oneof is not None and len(oneof.fields) > 1 else None,
            takes_null=kind is not None and kind.full_name in _TAKES_NULL and not field.is_repeated,
            set=_setter(field),
        )
    return members


def _setter(field: FieldDescriptor) -> Setter:
    if map_value(field) is not None:
        return _map_setter(field)
    if field.is_repeated:
        return _list_setter(field)
    name = field.name
    if field.message_type is None:
        read = scalar_reader(field)
        return lambda message, value, path, depth: _assign(message, name, read, value, path)

    def set_message(message: Message, value: Json, path: str, depth: int) -> None:
        part: Message = getattr(message, name)
        part.SetInParent()
        decode(value, part, path=path, depth=depth)

    return set_message


def _assign(
    message: Message, name: str, read: Callable[[Json], Scalar], value: Json, path: str
) -> None:
    try:
        setattr(message, name, read(value))
    except Refused as error:
        raise _wrong(path, str(error)) from None


def _list_setter(field: FieldDescriptor) -> Setter:
    name = field.name
    read = None if field.message_type is not None else scalar_reader(field)

    def set_list(message: Message, value: Json, path: str, depth: int) -> None:
        if not isinstance(value, list):
            raise _wrong(path, f"expected an array, not {show(value)}")
        target = getattr(message, name)
        for index, item in enumerate(value):
            where = f"{path}[{index}]"
            if read is None:
                decode(item, target.add(), path=where, depth=depth)
                continue
            try:
                target.append(read(item))
            except Refused as error:
                raise _wrong(where, str(error)) from None

    return set_list


def _map_setter(field: FieldDescriptor) -> Setter:
    assert field.message_type is not None
    name = field.name
    key_field, value_field = (field.message_type.fields_by_name[part] for part in ("key", "value"))
    read_key = scalar_reader(key_field, from_text=True)
    read = None if value_field.message_type is not None else scalar_reader(value_field)

    def set_map(message: Message, value: Json, path: str, depth: int) -> None:
        if not isinstance(value, dict):
            raise _wrong(path, f"expected an object, not {show(value)}")
        target = getattr(message, name)
        for text, item in value.items():
            where = f'{path}["{text[:100]}"]'
            try:
                key = read_key(text)
                if read is not None:
                    target[key] = read(item)
            except Refused as error:
                raise _wrong(where, str(error)) from None
            if read is None:
                decode(item, target[key], path=where, depth=depth)

    return set_map


def _decode_well_known(value: Json, message: Message, path: str) -> None:
    descriptor = message.DESCRIPTOR
    if descriptor.file.name == WRAPPERS:
        read = scalar_reader(descriptor.fields_by_name["value"])
        return _assign(message, "value", read, value, path)
    try:
        json_format.ParseDict(value, message)  # type: ignore[arg-type]  # takes any JSON value
    except _LIBRARY_REFUSALS:
        expected = _EXPECTED.get(descriptor.full_name, "a JSON value")
        raise _wrong(path, f"expected {expected}, not {show(value)}") from None
    return None


_LIBRARY_REFUSALS = (
    json_format.ParseError, ValueError, TypeError, AttributeError, KeyError, RecursionError
)  # fmt: skip


def text_value(field: FieldDescriptor, text: str) -> Json:
    """What a path segment or a query parameter means as JSON for one value of the field."""
    scalar = field
    if field.message_type is not None and field.message_type.file.name == WRAPPERS:
        scalar = field.message_type.fields_by_name["value"]
    if scalar.type == FieldDescriptor.TYPE_BOOL:
        return {"true": True, "false": False}.get(text, text)
    if scalar.enum_type is not None and _ENUM_NUMBER.fullmatch(text):
        return int(text)
    return text


def field_named(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    """The field with that proto or lowerCamelCase name."""
    fields: Iterable[FieldDescriptor] = descriptor.fields
    return next((field for field in fields if name in (field.name, field.json_name)), None)
