"""Bodies that are read as JSON, and those that are not."""

import json
from base64 import b64encode

import httpx
import pytest

from application.retrieval.search import MAX_IMAGE_BYTES

JSON = {"content-type": "application/json"}


async def refusal(client: httpx.AsyncClient, body: bytes | str) -> dict[str, object]:
    answer = await client.post("/lab/echo", content=body, headers=JSON)
    assert answer.status_code == 400, answer.text
    error: dict[str, object] = answer.json()["error"]
    return error


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"text": }', "line 1 column 10"),
        (b'{"text": "a",\n  "flag": tru}', "line 2 column 11"),
        (b"{'text': 1}", "line 1 column 2"),
        (b'{"text": "\xff"}', "UTF-8 at byte 10"),
        (b'{"text": "a"} x', "line 1 column 15"),
        (b'{"text": "a", "text": "b"}', 'name "text" comes twice'),
        (b'{"precise": NaN}', "NaN is no JSON"),
        (b'{"big": ' + b"9" * 5000 + b"}", "digits"),
        (b"[" * 100_000, "nested too deeply"),
        (b" ", "line 1 column 2"),
        ("\ufeff{}".encode(), "BOM"),
    ],
)  # fmt: skip
async def test_json_that_breaks_says_where(
    client: httpx.AsyncClient, body: bytes, says: str
) -> None:
    assert says in str((await refusal(client, body))["message"])


@pytest.mark.parametrize(
    ("sent", "field", "says"),
    [
        ({"questoin": 1}, "questoin", "Everything has no field"),
        ({"txt": "a"}, "txt", 'did you mean "text"?'),
        ({"inner": {"deeper": {"lable": "x"}}}, "inner.deeper.lable", 'did you mean "label"?'),
        ({"inners": [{}, {"nope": 1}]}, "inners[1].nope", "Inner has no field"),
        ({"byNumber": {"3": {"nope": 1}}}, 'by_number["3"].nope', "Inner has no field"),
        ({"text": 5}, "text", "expected a string, not 5"),
        ({"text": {"a": 1}}, "text", "expected a string, not an object"),
        ({"text": "\ud800"}, "text", "surrogate"),
        ({"flag": "true"}, "flag", 'true or false, not "true"'),
        ({"flag": 1}, "flag", "true or false"),
        ({"small": True}, "small", "integer"),
        ({"small": 1.5}, "small", "integer"),
        ({"small": [1]}, "small", "not an array"),
        ({"small": 1e300}, "small", "integer"),
        ({"big": 2**63}, "big", "9223372036854775807"),
        ({"precise": "1.x"}, "precise", "number"),
        ({"precise": 10**400}, "precise", "number"),
        ({"raw": "a b"}, "raw", "base64"),
        ({"color": "RED"}, "color", "expected one of COLOR_UNSPECIFIED, COLOR_RED, COLOR_BLUE"),
        ({"words": "a"}, "words", "expected an array"),
        ({"words": ["a", None]}, "words[1]", "not null"),
        ({"numbers": [1, "x"]}, "numbers[1]", "integer"),
        ({"labels": {"a": 1}}, 'labels["a"]', "string"),
        ({"labels": {"a": None}}, 'labels["a"]', "not null"),
        ({"labels": ["a"]}, "labels", "expected an object"),
        ({"byNumber": {"x": {}}}, 'by_number["x"]', "integer"),
        ({"byFlag": {"yes": 1}}, 'by_flag["yes"]', '"true" or "false"'),
        ({"inner": []}, "inner", "expected an object, not an array"),
        ({"inner": "x"}, "inner", "expected an object"),
        ({"inners": [None]}, "inners[0]", "expected an object, not null"),
        ({"firstChoice": "a", "secondChoice": 1}, "second_choice", "choice"),
        ({"maybeText": "a", "maybe_text": "b"}, "maybe_text", "given twice"),
        ({"at": 5}, "at", "RFC 3339"),
        ({"at": "0000-01-01T00:00:00Z"}, "at", "RFC 3339"),
        ({"lasts": "5"}, "lasts", "seconds"),
        ({"free": []}, "free", "an object"),
        ({"maybeFlag": 1}, "maybe_flag", "true or false"),
        ({"anything": {"@type": "type.googleapis.com/no.Such"}}, "anything", "@type"),
        ([], "", "expected an object, not an array"),
        ("text", "", "expected an object"),
        (None, "", "expected an object"),
        ({"[obelisk.lab.v1.x]": 1}, "[obelisk.lab.v1.x]", "no field"),
    ],
)  # fmt: skip
async def test_a_wrong_value_names_its_field(
    client: httpx.AsyncClient, sent: object, field: str, says: str
) -> None:
    error = await refusal(client, json.dumps(sent))
    details = error["details"]
    assert isinstance(details, list)
    violation = details[1]["fieldViolations"][0]
    assert violation["field"] == field
    assert says in violation["description"]


async def test_a_body_nested_too_deeply_is_refused(client: httpx.AsyncClient) -> None:
    body = '{"inner":' + '{"deeper":' * 150 + "{}" + "}" * 151
    assert "deeper than 100" in str((await refusal(client, body))["message"])
    free = '{"free": {"a":' + "[" * 300 + "]" * 300 + "}}"
    assert "free" in str((await refusal(client, free))["message"])


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=UTF-8", "application/vnd.api+json"],
)
async def test_json_says_that_it_is_json(client: httpx.AsyncClient, content_type: str) -> None:
    headers = {"content-type": content_type}
    answer = await client.post("/lab/echo", content=b"{}", headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_other_content_types_are_unsupported(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.post("/lab/echo", content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert answer.json()["error"]["details"][0]["reason"] == "CONTENT_TYPE_UNSUPPORTED"


async def test_no_body_is_an_empty_request(client: httpx.AsyncClient) -> None:
    assert (await client.post("/lab/echo")).status_code == 200


async def test_a_body_where_none_belongs_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.request("GET", "/lab/echo/a", json={"flag": True})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["reason"] == "BODY_UNEXPECTED"


async def test_a_body_holds_the_largest_picture_that_a_search_takes(
    client: httpx.AsyncClient,
) -> None:
    picture = b64encode(bytes(MAX_IMAGE_BYTES)).decode("ascii")
    answer = await client.post("/lab/echo", json={"raw": picture})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("declared", [True, False])
async def test_a_large_body_is_refused_with_an_answer(
    web: httpx.AsyncClient, declared: bool
) -> None:
    async def stream() -> object:
        for _ in range(64):
            yield b" " * 65536

    content = b" " * (4 << 20) if declared else stream()
    answer = await web.post("/lab/echo", content=content, headers=JSON)  # type: ignore[arg-type]
    assert answer.status_code == 413
    error = answer.json()["error"]
    assert (error["code"], error["details"][0]["reason"]) == (413, "BODY_TOO_LARGE")
    assert (await web.get("/lab/echo/a")).status_code == 200
