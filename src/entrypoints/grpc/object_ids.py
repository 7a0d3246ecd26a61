"""The ids in a message, by the name of their field: all that the audit log may know of it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from domain.auth.audit import joined

_DEEPEST = 4
_MOST = 100
# Ids that are no UUIDs: a token's `jti` and a key's thumbprint.
_OTHER_IDS = frozenset({"token_id", "kid"})
_OTHER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
# A caller's own words, for idempotency; it names no object.
_NO_OBJECT = frozenset({"request_id"})


def ids_of(message: Message | None) -> dict[str, str]:
    """Names and values; several of one name are separated by spaces, at most 100 of each.

    Whatever stands in an id's field and is none is left out: it could be anything.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in _found(message, _DEEPEST) if message is not None else ():
        if len(found[name]) < _MOST:
            found[name].append(value)
    return {name: joined(values) for name, values in found.items()}


def _found(message: Message, depth: int) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        values = list(value)[:_MOST] if field.is_repeated else [value]
        if field.type == FieldDescriptor.TYPE_STRING:
            name = field.name.removesuffix("s") if field.is_repeated else field.name
            yield from ((name, id_) for id_ in _ids(name, values))
        elif field.message_type is not None and depth and not _is_map(field):
            for part in values:
                yield from _found(part, depth - 1)


def _ids(name: str, values: Iterable[str]) -> Iterator[str]:
    if name in _OTHER_IDS:
        yield from (value for value in values if _OTHER_ID.fullmatch(value))
    elif name.endswith("_id") and name not in _NO_OBJECT:
        for value in values:
            try:
                yield str(UUID(value))
            except ValueError:
                continue


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
