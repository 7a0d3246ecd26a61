"""Frozen dataclasses to JSON-plain values and back, by their type hints.

Plain means dict, list, str, int, float, bool and None. Used where the domain's values rest or
travel: the event log, announcements between processes, and the agents' state.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import NewType, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None
T = TypeVar("T")


class NotPlain(ValueError):
    """A stored value does not have the shape that its type promises."""


def to_plain(value: object) -> Plain:
    """Encode; tuples become lists, UUIDs and times strings, enums their values."""
    # A tuple of types is looked through three times as fast as their union.
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    kind: type = type(value)
    if names := _names_of_fields(kind):
        return {name: to_plain(getattr(value, name)) for name in names}
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {}
    raise NotPlain(f"{kind.__name__} has no plain form")


@cache
def _names_of_fields(kind: type) -> tuple[str, ...]:
    return tuple([f.name for f in fields(kind)]) if is_dataclass(kind) else ()


def from_plain(kind: type[T], value: Plain) -> T:
    """Decode what `to_plain` made of a `kind`.

    Missing fields take their defaults and unknown ones are ignored, so that older and newer
    processes read each other's values. Raises NotPlain when a value does not fit its type.
    """
    try:
        decoded = _decode(kind, value)
    except NotPlain:
        raise
    except (ValueError, TypeError) as error:
        raise NotPlain(f"not a {kind.__name__}: {error}") from error
    if not isinstance(decoded, kind):
        raise NotPlain(f"not a {kind.__name__}")
    return decoded


def _decode(kind: object, value: Plain) -> object:
    if isinstance(kind, NewType):
        return _decode(kind.__supertype__, value)
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _decode_optional(get_args(kind), value)
    if origin is tuple:
        if not isinstance(value, list):
            raise NotPlain(f"{value!r:.80} is not a list")
        return tuple(_decode(get_args(kind)[0], item) for item in value)
    if origin is not None and isinstance(value, dict):
        return {key: _decode(get_args(kind)[1], item) for key, item in value.items()}
    if isinstance(kind, type):
        return _decode_class(kind, value)
    raise NotPlain(f"{kind} has no plain form")


def _decode_optional(options: tuple[object, ...], value: Plain) -> object:
    if value is None and NoneType in options:
        return None
    return _decode(next(option for option in options if option is not NoneType), value)


def _decode_class(kind: type, value: Plain) -> object:
    if is_dataclass(kind) and isinstance(value, dict):
        hints = _hints_of(kind)
        known = {name: value[name] for name in hints if name in value}
        return kind(**{name: _decode(hints[name], item) for name, item in known.items()})
    if isinstance(value, str) and kind is not str:
        return _decode_text(kind, value)
    if kind is float and isinstance(value, int):
        return float(value)
    if isinstance(value, kind):
        return value
    raise NotPlain(f"{value!r:.80} is not a {kind.__name__}")


@cache
def _hints_of(kind: type) -> dict[str, object]:
    return get_type_hints(kind)


def _decode_text(kind: type, value: str) -> object:
    if kind is UUID:
        return UUID(value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    if issubclass(kind, Enum):
        return kind(value)
    raise NotPlain(f"{value!r:.80} is not a {kind.__name__}")
