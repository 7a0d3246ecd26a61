"""The OpenAPI 3.1 document of the REST door, from the same descriptors that it serves.

`python -m entrypoints.rest.openapi > docs/openapi.json` writes it; the same contract always gives
the same bytes. It reads the comments from the proto files, so it runs in a checkout.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from google.protobuf.descriptor import Descriptor, FieldDescriptor, ServiceDescriptor

from entrypoints.rest.comments import read_comments
from entrypoints.rest.decoding import field_named, is_well_known
from entrypoints.rest.encoding import Json, map_value
from entrypoints.rest.framing import CURSOR, event_field
from entrypoints.rest.routes import Route, published_services, routes_of
from entrypoints.rest.schemas import Object, Schemas
from entrypoints.rest.uploads import UploadShape

_REPOSITORY = Path(__file__).parents[3]
_CAPTURE = re.compile(r"\{([^}=]+)(=[^}]*)?\}")
_ERROR: Object = {
    "type": "object",
    "description": "Every error, whoever found it.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "status", "message", "details"],
            "properties": {
                "code": {"type": "integer", "description": "The HTTP status."},
                "status": {"type": "string", "description": "The gRPC status, such as NOT_FOUND."},
                "message": {"type": "string", "description": "For people."},
                "details": {
                    "type": "array",
                    "description": "google.rpc messages: ErrorInfo always, BadRequest, RetryInfo.",
                    "items": {"type": "object", "required": ["@type"]},
                },
            },
        }
    },
}
_COMMON = ("SpaceId", "CorrelationId", "Timeout")
_PARAMETERS: Object = {
    "SpaceId": {
        "name": "x-space-id",
        "in": "header",
        "description": "The space that the call is about; UUID. Space-scoped calls need it.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "CorrelationId": {
        "name": "x-correlation-id",
        "in": "header",
        "description": "Names the call in logs; made when not given; every answer carries it.",
        "schema": {"type": "string", "pattern": r"^[A-Za-z0-9._:-]{1,64}$"},
    },
    "Timeout": {
        "name": "x-timeout-seconds",
        "in": "header",
        "description": "Deadline of the call in seconds, at most what the server allows.",
        "schema": {"type": "string", "pattern": r"^\d{1,9}(\.\d{1,9})?$"},
    },
    "LastEventId": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": f"Go on after the event with this id; goes before `{CURSOR}`.",
        "schema": {"type": "string", "pattern": r"^\d{1,19}$"},
    },
}
_STREAM = (
    "Server-sent events: `id` is the sequence, `event` the kind, `data` this schema as JSON on one "
    "line. `event: end` closes a whole stream; `event: error` carries an Error."
)


def build_document(
    services: Sequence[ServiceDescriptor], comments: Mapping[str, str], release: str
) -> Object:
    """The document of every HTTP form of `services`."""
    schemas = Schemas(comments)
    paths: dict[str, Json] = {}
    seen: Counter[str] = Counter()
    for route in routes_of(services):
        item = paths.setdefault(_CAPTURE.sub(r"{\1}", route.template.text), {})
        assert isinstance(item, dict)
        item[route.verb.lower()] = _operation(route, schemas, seen[route.rpc])
        seen[route.rpc] += 1
    return {
        "openapi": "3.1.1",
        "info": {"title": "Obelisk", "version": release, "license": {"name": "Apache-2.0"}},
        "security": [{"bearer": []}],
        "tags": [{"name": s.name, **schemas.comment(s.full_name)} for s in services],
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
            "parameters": _PARAMETERS,
            "responses": {"Error": _content("An error.", {"application/json": _ref("Error")})},
            "schemas": {"Error": _ERROR, **schemas.components()},
        },
    }


def _operation(route: Route, schemas: Schemas, nth: int) -> Object:
    method = route.method
    summary, _, rest = schemas.text(method.full_name).partition("\n")
    shape = UploadShape.of(method.input_type) if method.client_streaming else None
    body = _upload_body(shape, schemas) if shape else _json_body(route, schemas)
    return {
        "operationId": f"{method.name}_{nth + 1}" if nth else method.name,
        "tags": [method.containing_service.name],
        **({"summary": summary} if summary else {}),
        **({"description": rest.strip()} if rest else {}),
        "parameters": [*_parameters(route, shape, schemas)],
        **({"requestBody": body} if body else {}),
        "responses": {
            "200": _answer(route, schemas),
            "default": {"$ref": "#/components/responses/Error"},
        },
    }


def _parameters(route: Route, shape: UploadShape | None, schemas: Schemas) -> Iterable[Json]:
    request = route.method.input_type
    bound = [variable.field for variable in route.template.variables]
    for name in bound:
        yield {
            "name": name,
            "in": "path",
            "required": True,
            **_described(_field_at(request, name), schemas),
        }
    if shape is not None:
        yield from _query(shape.metadata_type, "", (), schemas)
    elif route.body != "*":
        yield from _query(request, "", (*bound, *filter(None, [route.body])), schemas)
    common = [*_COMMON]
    if route.method.server_streaming and CURSOR in request.fields_by_name:
        common.append("LastEventId")
    for name in common:
        yield {"$ref": f"#/components/parameters/{name}"}


def _query(
    descriptor: Descriptor, prefix: str, bound: Sequence[str], schemas: Schemas
) -> Iterable[Json]:
    for field in descriptor.fields:
        kind = field.message_type
        if f"{prefix}{field.name}" in bound or map_value(field) is not None:
            continue
        if kind is None or is_well_known(kind):
            name = f"{prefix}{field.json_name}"
            yield {"name": name, "in": "query", **_described(field, schemas)}
        elif not field.is_repeated and prefix.count(".") < 3:
            yield from _query(kind, f"{prefix}{field.name}.", bound, schemas)


def _described(field: FieldDescriptor, schemas: Schemas) -> Object:
    return {**schemas.comment(field.full_name), "schema": schemas.value(field)}


def _field_at(descriptor: Descriptor, path: str) -> FieldDescriptor:
    *parents, last = path.split(".")
    for name in parents:
        parent = field_named(descriptor, name)
        assert parent is not None
        assert parent.message_type is not None
        descriptor = parent.message_type
    field = field_named(descriptor, last)
    assert field is not None
    return field


def _json_body(route: Route, schemas: Schemas) -> Object:
    if not route.body:
        return {}
    if route.body == "*":
        schema = schemas.reference(route.method.input_type)
    else:
        schema = schemas.value(_field_at(route.method.input_type, route.body))
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _upload_body(shape: UploadShape, schemas: Schemas) -> Object:
    fields = [*shape.metadata_type.fields]
    file: Object = {"type": "string", "description": "The file, byte for byte."}
    properties: Object = {field.json_name: schemas.field(field) for field in fields}
    properties["file"] = {**file, "contentMediaType": "application/octet-stream"}
    form: Object = {
        "type": "object",
        "description": "The file is the last part; its own name counts when none is given.",
        "properties": properties,
        "required": ["file"],
    }
    return {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": file},
            "multipart/form-data": {"schema": form},
        },
    }


def _answer(route: Route, schemas: Schemas) -> Object:
    output = route.method.output_type
    if route.response_body:
        whole = schemas.value(_field_at(output, route.response_body))
    else:
        whole = schemas.reference(output)
    if not route.method.server_streaming:
        return _content("The answer.", {"application/json": whole})
    event = event_field(output)
    shown = schemas.value(event) if event is not None else whole
    line: Object = {"type": "object", "properties": {"result": whole}}
    return _content(_STREAM, {"text/event-stream": shown, "application/x-ndjson": line})


def _content(description: str, schemas: Mapping[str, Object]) -> Object:
    content: Object = {media_type: {"schema": schema} for media_type, schema in schemas.items()}
    return {"description": description, "content": content}


def _ref(name: str) -> Object:
    return {"$ref": f"#/components/schemas/{name}"}


def render() -> str:
    """The document of obelisk.v1 as text. Raises when this is no checkout."""
    services = published_services()
    files = sorted({service.file.name for service in services})
    roots = [_REPOSITORY / "proto", _REPOSITORY / "third_party"]
    comments = read_comments(roots, files)
    document = build_document(services, comments, "v1")
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
