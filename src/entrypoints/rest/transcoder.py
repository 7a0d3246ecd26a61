"""HTTP requests to request messages, and answers back, for one route at a time."""

from collections.abc import Callable, Iterable, Mapping

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from entrypoints.rest.decoding import decode, field_named, text_value
from entrypoints.rest.encoding import Json, encode, value_encoder
from entrypoints.rest.errors import refused
from entrypoints.rest.query import query_json
from entrypoints.rest.routes import Route


def build_request(
    route: Route, captured: Mapping[str, str], query: Iterable[tuple[str, str]], body: Json
) -> Message:
    """The request message of a route.

    The path decides: a body that repeats a path field must agree with it. With `body: "*"` the
    query sets nothing. Raises HttpError (400) naming the field.
    """
    descriptor = route.method.input_type
    request: Message = GetMessageClass(descriptor)()
    if route.body:
        whole = route.body == "*"
        decode(body if whole else {route.body: body}, request)
    pairs = list(query)
    if pairs and route.body == "*":
        name = pairs[0][0][:100]
        raise refused(f"{name}: goes into the JSON body, not the query", field=name)
    if pairs:
        bound = [*captured, *([route.body] if route.body else [])]
        decode(query_json(descriptor, pairs, bound), request)
    for path, text in captured.items():
        _bind(request, descriptor, path, text)
    return request


def _bind(request: Message, descriptor: Descriptor, path: str, text: str) -> None:
    fields = _walk(descriptor, path)
    tree: Json = text_value(fields[-1], text)
    for field in reversed(fields):
        tree = {field.name: tree}
    fresh: Message = type(request)()
    decode(tree, fresh)
    given, said = _value(request, fields), _value(fresh, fields)
    if given is not None and given != said:
        raise refused(f"{path}: the body says otherwise than the path", field=path)
    request.MergeFrom(fresh)


def _walk(descriptor: Descriptor, path: str) -> list[FieldDescriptor]:
    fields: list[FieldDescriptor] = []
    for name in path.split("."):
        field = field_named(descriptor, name)
        assert field is not None, path  # the route was checked when it was built
        fields.append(field)
        descriptor = field.message_type or descriptor
    return fields


def _value(message: Message, fields: list[FieldDescriptor]) -> object:
    """The field's value, or None when it is not set or holds its default."""
    *parents, last = fields
    for parent in parents:
        message = getattr(message, parent.name)
    listed = {field.name: value for field, value in message.ListFields()}
    return listed.get(last.name)


def answer_encoder(route: Route) -> Callable[[Message], Json]:
    """Response messages of a route to JSON: whole, or the field that `response_body` names."""
    field = field_named(route.method.output_type, route.response_body)
    if field is None:
        return encode
    name, encode_value = field.name, value_encoder(field)
    return lambda answer: encode_value(getattr(answer, name))
