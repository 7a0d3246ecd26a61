"""Query parameters to the JSON that they mean: nested by dots, repeated by repetition."""

from collections.abc import Collection, Iterable
from urllib.parse import parse_qsl

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from entrypoints.rest.decoding import field_named, is_well_known, join, text_value, unknown_field
from entrypoints.rest.encoding import Json, map_value
from entrypoints.rest.errors import HttpError, refused

MAX_PARAMETERS = 500
_MANY_VALUED = {f"google.protobuf.{name}" for name in ("Any", "ListValue", "Struct")}


def parse_query(query: bytes) -> list[tuple[str, str]]:
    """Decoded pairs in order. Raises HttpError (400) when it is not UTF-8 or far too long."""
    if not query:
        return []
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except UnicodeError:
        raise refused("the query is not UTF-8 in %-escapes", reason="QUERY_MALFORMED") from None
    except ValueError:
        text = f"the query has more than {MAX_PARAMETERS} parameters"
        raise refused(text, reason="QUERY_MALFORMED") from None


def query_json(
    descriptor: Descriptor, pairs: Iterable[tuple[str, str]], bound: Collection[str] = ()
) -> dict[str, Json]:
    """The request's JSON in proto names. `bound`: fields (dotted) that the path or the body sets.

    Raises HttpError (400) for an unknown or already bound name, for a single field given twice, and
    for fields that have no form as one text (messages, maps).
    """
    tree: dict[str, Json] = {}
    for name, text in pairs:
        path = _resolve(descriptor, name)
        dotted = ".".join(field.name for field in path)
        if any(dotted == taken or dotted.startswith(f"{taken}.") for taken in bound):
            raise _wrong(dotted, "is set by the path or the body, not by the query")
        _insert(tree, path, dotted, text)
    return tree


def _resolve(descriptor: Descriptor, name: str) -> list[FieldDescriptor]:
    path: list[FieldDescriptor] = []
    within: Descriptor | None = descriptor
    for part in name.split("."):
        so_far = ".".join(field.name for field in path)
        if within is None or (path and path[-1].is_repeated):
            raise _wrong(so_far, f'has no fields, so "{name[:100]}" cannot be set')
        field = field_named(within, part)
        if field is None:
            known = [field.json_name for field in within.fields]
            raise unknown_field(part, within.name, known, so_far)
        path.append(field)
        within = field.message_type
    return path


def _insert(tree: dict[str, Json], path: list[FieldDescriptor], dotted: str, text: str) -> None:
    *parents, field = path
    _check_leaf(field, dotted)
    for parent in parents:
        child = tree.setdefault(parent.name, {})
        assert isinstance(child, dict)
        tree = child
    value = text_value(field, text)
    if field.is_repeated:
        values = tree.setdefault(field.name, [])
        assert isinstance(values, list)
        values.append(value)
    elif field.name in tree:
        raise _wrong(dotted, "is given more than once")
    else:
        tree[field.name] = value


def _check_leaf(field: FieldDescriptor, dotted: str) -> None:
    kind = field.message_type
    if map_value(field) is not None or (kind is not None and kind.full_name in _MANY_VALUED):
        raise _wrong(dotted, "cannot be given in the query")
    if kind is not None and not is_well_known(kind):
        example = join(dotted, kind.fields[0].json_name) if kind.fields else dotted
        raise _wrong(dotted, f'is a message: set its fields, such as "{example}"')


def _wrong(field: str, what: str) -> HttpError:
    return refused(f"{field}: {what}", field=field)
