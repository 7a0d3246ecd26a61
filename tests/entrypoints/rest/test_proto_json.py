"""Our JSON against the protobuf library's: faster, stricter, and otherwise the same."""

import json
import math
from functools import cache

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrypoints.rest.decoding import decode
from entrypoints.rest.encoding import dump, encode
from entrypoints.rest.errors import HttpError
from entrypoints.rest.routes import published_services
from fixtures.rest_lab import Lab

F = FieldDescriptor
INTEGERS = {
    **dict.fromkeys((F.TYPE_INT32, F.TYPE_SINT32, F.TYPE_SFIXED32), (-(2**31), 2**31 - 1)),
    **dict.fromkeys((F.TYPE_INT64, F.TYPE_SINT64, F.TYPE_SFIXED64), (-(2**63), 2**63 - 1)),
    **dict.fromkeys((F.TYPE_UINT32, F.TYPE_FIXED32), (0, 2**32 - 1)),
    **dict.fromkeys((F.TYPE_UINT64, F.TYPE_FIXED64), (0, 2**64 - 1)),
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FREE = st.recursive(
    st.none() | st.booleans() | TEXT | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
NANOS = st.integers(0, 999_999_999)
Parts = dict[str, st.SearchStrategy[object]]
WELL_KNOWN: dict[str, Parts] = {
    "Timestamp": {"seconds": st.integers(-62135596800, 253402300799), "nanos": NANOS},
    "Duration": {"seconds": st.integers(0, 315576000000), "nanos": NANOS},
    "FieldMask": {"paths": st.lists(st.sampled_from(["text", "inner.label", "a_b"]), max_size=3)},
}
FREE_FORMS = {
    "Struct": st.dictionaries(TEXT, FREE, max_size=3),
    "ListValue": st.lists(FREE, max_size=3),
    "Value": FREE,
}


def single(field: FieldDescriptor, depth: int) -> st.SearchStrategy[object]:
    if field.message_type is not None:
        return messages(field.message_type, depth - 1)
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if field.type in INTEGERS:
        return st.integers(*INTEGERS[field.type])
    if field.type == F.TYPE_STRING:
        return TEXT
    if field.type == F.TYPE_BYTES:
        return st.binary(max_size=8)
    if field.type == F.TYPE_BOOL:
        return st.booleans()
    return st.floats(width=32 if field.type == F.TYPE_FLOAT else 64)


def whole(field: FieldDescriptor, depth: int) -> st.SearchStrategy[object]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        return st.dictionaries(single(key, depth), single(value, depth), max_size=3)
    return st.lists(single(field, depth), max_size=3) if field.is_repeated else single(field, depth)


@cache
def messages(descriptor: Descriptor, depth: int = 3) -> st.SearchStrategy[Message]:
    make: type[Message] = GetMessageClass(descriptor)
    short = descriptor.name if descriptor.full_name.startswith("google.protobuf.") else ""
    if short in WELL_KNOWN:
        return st.fixed_dictionaries(WELL_KNOWN[short]).map(lambda fields: make(**fields))
    if short in ("Struct", "Value", "ListValue"):
        values = {
            "Struct": st.dictionaries(TEXT, FREE, max_size=3),
            "ListValue": st.lists(FREE, max_size=3),
        }
        return values.get(short, FREE).map(lambda value: json_format.ParseDict(value, make()))  # type: ignore[arg-type]
    if short == "Any" or depth == 0:
        return st.builds(make)
    optional = {field.name: whole(field, depth) for field in descriptor.fields}
    chosen = st.fixed_dictionaries({}, optional=optional)
    return chosen.map(lambda fields: make(**one_of_each(descriptor, fields)))


def one_of_each(descriptor: Descriptor, fields: dict[str, object]) -> dict[str, object]:
    """At most one member of each oneof."""
    for oneof in descriptor.oneofs:
        given = [field.name for field in oneof.fields if field.name in fields]
        fields = {name: value for name, value in fields.items() if name not in given[1:]}
    return fields


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_messages_read_as_the_library_writes_them(lab: Lab, data: st.DataObject) -> None:
    message = data.draw(messages(lab.new("Everything").DESCRIPTOR))
    ours = encode(message)
    theirs = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    assert same(ours, theirs)
    back = type(message)()
    decode(json.loads(dump(ours)), back)
    assert json_format.MessageToDict(back) == json_format.MessageToDict(message) or has_nan(ours)


def same(one: object, other: object) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def has_nan(value: object) -> bool:
    return '"NaN"' in json.dumps(value)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize(
    "descriptor",
    [method.output_type for service in published_services() for method in service.methods],
    ids=lambda descriptor: descriptor.name,
)
def test_every_answer_of_the_contract_reads_as_the_library_writes_it(
    descriptor: Descriptor, data: st.DataObject
) -> None:
    message = data.draw(messages(descriptor))
    theirs = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    assert same(encode(message), theirs)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats(allow_nan=False)
    | st.sampled_from(["", "1", "-1", "1.5", "true", "NaN", "COLOR_RED", "aGk=", "1s", "a"]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["text", "label", "1", "true", "x"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), value=JSON)
def test_whatever_we_accept_means_what_the_library_takes_it_for(
    lab: Lab, data: st.DataObject, value: object
) -> None:
    ours, theirs = lab.new("Everything"), lab.new("Everything")
    name = data.draw(st.sampled_from([field.json_name for field in ours.DESCRIPTOR.fields]))
    try:
        decode({name: value}, ours)  # type: ignore[dict-item]  # JSON by construction
    except HttpError:
        return
    json_format.ParseDict({name: value}, theirs)
    assert ours == theirs or has_nan(encode(ours))


@pytest.mark.parametrize(
    "value", [0.1, 1 / 3, 16777216.0, 1e-45, 3.4028235e38, 0.9, -0.0, 123456.79]
)
def test_a_float_is_its_shortest_decimal(lab: Lab, value: float) -> None:
    written = encode(lab.new("Everything", ratio=value))
    theirs = json_format.MessageToDict(lab.new("Everything", ratio=value))
    assert isinstance(written, dict)
    assert written["ratio"] == theirs.get("ratio", 0.0)
    read = lab.new("Everything")
    decode({"ratio": written["ratio"]}, read)
    assert read == lab.new("Everything", ratio=value)


@pytest.mark.parametrize(
    ("value", "text"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")]
)
def test_what_is_no_number_is_a_string(lab: Lab, value: float, text: str) -> None:
    written = encode(lab.new("Everything", ratio=value, precise=value))
    assert isinstance(written, dict)
    assert (written["ratio"], written["precise"]) == (text, text)


def test_an_enum_value_of_the_future_is_its_number(lab: Lab) -> None:
    written = encode(lab.new("Everything", color=77))
    assert isinstance(written, dict)
    assert written["color"] == 77
