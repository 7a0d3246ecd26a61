"""JSON Schemas of the contract's messages, as proto3 JSON writes and reads them."""

from collections.abc import Mapping

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from entrypoints.rest.decoding import is_well_known
from entrypoints.rest.encoding import WRAPPERS, Json, map_value

Object = dict[str, Json]
NULL = "google.protobuf.NullValue"
type_ = FieldDescriptor
_WELL_KNOWN: Mapping[str, Object] = {
    "google.protobuf.Any": {"type": "object", "required": ["@type"]},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string"},
    "google.protobuf.ListValue": {"type": "array"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Value": {},
}
_INT32: Object = {"type": "integer", "format": "int32"}
_UINT32: Object = {"type": "integer", "format": "uint32", "minimum": 0}
_INT64: Object = {"type": "string", "format": "int64", "pattern": r"^-?\d+$"}
_UINT64: Object = {"type": "string", "format": "uint64", "pattern": r"^\d+$"}
_SCALARS: Mapping[int, Object] = {
    type_.TYPE_BOOL: {"type": "boolean"},
    type_.TYPE_STRING: {"type": "string"},
    type_.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    type_.TYPE_DOUBLE: {"type": ["number", "string"], "format": "double"},
    type_.TYPE_FLOAT: {"type": ["number", "string"], "format": "float"},
    type_.TYPE_INT32: _INT32,
    type_.TYPE_SINT32: _INT32,
    type_.TYPE_SFIXED32: _INT32,
    type_.TYPE_UINT32: _UINT32,
    type_.TYPE_FIXED32: _UINT32,
    type_.TYPE_INT64: _INT64,
    type_.TYPE_SINT64: _INT64,
    type_.TYPE_SFIXED64: _INT64,
    type_.TYPE_UINT64: _UINT64,
    type_.TYPE_FIXED64: _UINT64,
}


class Schemas:
    """Collects the schemas that are referred to, under `#/components/schemas/`."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        self._comments = comments
        self._found: dict[str, Object] = {}

    def components(self) -> Object:
        return {name: self._found[name] for name in sorted(self._found)}

    def text(self, full_name: str) -> str:
        """The comment of a declaration; empty when it has none."""
        return self._comments.get(full_name, "")

    def comment(self, full_name: str) -> Object:
        text = self.text(full_name)
        return {"description": text} if text else {}

    def reference(self, descriptor: Descriptor) -> Object:
        """A `$ref` to the message type, whose schema is added when it is new."""
        name = _short_name(descriptor)
        if name not in self._found:
            self._found[name] = {}  # a type may contain itself
            self._found[name] = self._message(descriptor)
        return {"$ref": f"#/components/schemas/{name}"}

    def _enum_reference(self, enum: EnumDescriptor) -> Object:
        name = _short_name(enum)
        self._found[name] = self._enum(enum)
        return {"$ref": f"#/components/schemas/{name}"}

    def field(self, field: FieldDescriptor) -> Object:
        """The schema of a field with its comment."""
        return {**self.value(field), **self.comment(field.full_name)}

    def value(self, field: FieldDescriptor) -> Object:
        """The schema of a field's value, whole."""
        entry_value = map_value(field)
        if entry_value is not None:
            return {"type": "object", "additionalProperties": self._single(entry_value)}
        single = self._single(field)
        return {"type": "array", "items": single} if field.is_repeated else single

    def _single(self, field: FieldDescriptor) -> Object:
        if field.enum_type is not None and field.enum_type.full_name == NULL:
            return {"type": "null"}
        if field.enum_type is not None:
            return self._enum_reference(field.enum_type)
        if field.message_type is None:
            return dict(_SCALARS[field.type])
        if field.message_type.file.name == WRAPPERS:
            return self._single(field.message_type.fields_by_name["value"])
        if is_well_known(field.message_type):
            return dict(_WELL_KNOWN[field.message_type.full_name])
        return self.reference(field.message_type)

    def _message(self, descriptor: Descriptor) -> Object:
        properties: Object = {field.json_name: self.field(field) for field in descriptor.fields}
        return {
            "type": "object",
            **self.comment(descriptor.full_name),
            "properties": properties,
            "additionalProperties": False,
        }

    def _enum(self, enum: EnumDescriptor) -> Object:
        own = self._comments.get(enum.full_name, "")
        said = {value.name: self.text(f"{enum.full_name}.{value.name}") for value in enum.values}
        values = [f"- {name}: {text}".rstrip(" :") for name, text in said.items()]
        return {
            "type": "string",
            "description": "\n".join([own, *values]).strip(),
            "enum": [*said],
        }


def _short_name(descriptor: Descriptor | EnumDescriptor) -> str:
    return descriptor.full_name.removeprefix(f"{descriptor.file.package}.")
