"""The OpenAPI document: fresh, whole, and as strict as the door itself."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import jsonschema  # type: ignore[import-untyped]  # no stubs
import pytest

from entrypoints.rest.encoding import Json
from entrypoints.rest.openapi import build_document
from entrypoints.rest.routes import published_services, routes_of
from fixtures.rest_lab import Lab

REPOSITORY = Path(__file__).parents[3]
DOCUMENT = REPOSITORY / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Json]:
    parsed: dict[str, Json] = json.loads(DOCUMENT.read_text())
    return parsed


def test_the_document_is_fresh() -> None:
    command = [sys.executable, "-m", "entrypoints.rest.openapi"]
    made = subprocess.run(command, capture_output=True, check=True, cwd=REPOSITORY / "src")
    assert made.stdout.decode() == DOCUMENT.read_text(), "run: " + " ".join(command[1:])


async def test_the_document_is_served(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == DOCUMENT.read_text()


def nodes(value: Json) -> Iterator[dict[str, Json]]:
    if isinstance(value, dict):
        yield value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in inside:
        yield from nodes(child)


def at(document: Json, reference: Json) -> Json:
    assert isinstance(reference, str)
    for part in reference.removeprefix("#/").split("/"):
        assert isinstance(document, dict), reference
        document = document[part]
    return document


def test_every_reference_leads_somewhere(document: dict[str, Json]) -> None:
    references = [node["$ref"] for node in nodes(document) if "$ref" in node]
    assert len(references) > 100
    assert all(at(document, reference) for reference in references)


def test_every_schema_is_a_schema(document: dict[str, Json]) -> None:
    schemas = at(document, "#/components/schemas")
    assert isinstance(schemas, dict)
    for schema in [
        *schemas.values(),
        *(node["schema"] for node in nodes(document) if "schema" in node),
    ]:
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_form_of_every_rpc_is_told_with_its_comment(document: dict[str, Json]) -> None:
    operations = [node for node in nodes(document["paths"]) if "operationId" in node]
    names = [operation["operationId"] for operation in operations]
    assert sorted(map(str, names)) == sorted(r.method.name for r in routes_of(published_services()))
    assert all(operation["summary"] for operation in operations)
    for operation in operations:
        parameters = operation["parameters"]
        assert isinstance(parameters, list)
        assert {"$ref": "#/components/parameters/SpaceId"} in parameters


def test_every_path_parameter_is_declared(document: dict[str, Json]) -> None:
    paths = document["paths"]
    assert isinstance(paths, dict)
    for path, item in paths.items():
        wanted = {part.split("}")[0] for part in path.split("{")[1:]}
        for operation in (node for node in nodes(item) if "operationId" in node):
            parameters = operation["parameters"]
            assert isinstance(parameters, list)
            declared = {
                p["name"] for p in parameters if isinstance(p, dict) and p.get("in") == "path"
            }
            assert declared == wanted


def test_a_field_tells_its_bounds(document: dict[str, Json]) -> None:
    field = at(document, "#/components/schemas/StartRunRequest/properties/question")
    assert field == {
        "type": "string",
        "description": "What is asked; 1 to 8,000 characters, not only white space.",
    }


def test_a_stream_is_told_as_events(document: dict[str, Json]) -> None:
    paths = document["paths"]
    assert isinstance(paths, dict)
    watch = at(paths["/v1/runs/{run_id}:watch"], "#/get")
    assert isinstance(watch, dict)
    assert {"$ref": "#/components/parameters/LastEventId"} in watch["parameters"]  # type: ignore[operator]
    answer = at(watch, "#/responses/200/content")
    assert isinstance(answer, dict)
    assert answer["text/event-stream"] == {"schema": {"$ref": "#/components/schemas/RunEvent"}}


async def test_answers_and_errors_are_as_the_document_says(
    client: httpx.AsyncClient, lab: Lab
) -> None:
    made = build_document([lab.service], {}, "lab")
    query = "text=a&big=3&color=COLOR_RED&words=x&at=2026-01-01T00:00:00Z&lasts=1s&ratio=NaN"
    query += "&inner.deeper.label=x&maybeBig=4&raw=aGk&precise=1.5&positiveBig=9"
    answer = (await client.get(f"/lab/echo?{query}")).json()
    validate(answer, "Everything", made)
    for path in ("/lab/nothing", "/lab/echo?nope=1"):
        validate((await client.get(path)).json(), "Error", made)
    with pytest.raises(jsonschema.ValidationError):
        validate({**answer, "more": 1}, "Everything", made)


def validate(value: Json, name: str, made: dict[str, Json]) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": made["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)
