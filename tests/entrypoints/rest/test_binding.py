"""Where a request's fields come from: path, query and body."""

from urllib.parse import quote

import httpx
import pytest

Sent = dict[str, object]


async def got(client: httpx.AsyncClient, method: str, url: str, sent: Sent | None = None) -> Sent:
    """The fields that the server received with something in them."""
    answer = await client.request(method, url, json=sent)
    assert answer.status_code == 200, answer.text
    body: Sent = answer.json()
    empty: tuple[object, ...] = ("", 0, "0", False, [], {}, None, "COLOR_UNSPECIFIED")
    return {key: value for key, value in body.items() if value not in empty}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/lab/echo/plain", "plain"),
        ("/lab/echo/a%20b", "a b"),
        ("/lab/echo/a%2Fb", "a/b"),
        ("/lab/echo/a%3Ashout", "a:shout"),
        ("/lab/echo/%C3%A9t%C3%A9", "été"),
        ("/lab/echo/%2E%2E", ".."),
        ("/lab/echo/a:shout", "a"),
        ("/lab/echo/a+b", "a+b"),
        ("/lab/echo/special", None),
        ("/lab/%65cho/x", "x"),
        ("/lab/books/shelves/1/books/2", "shelves/1/books/2"),
        ("/lab/books/shelves/a%2Fb/books/c%20d", "shelves/a%2Fb/books/c d"),
        ("/lab/files/a/b/c.txt", "a/b/c.txt"),
        ("/lab/files/a/b:stat", "a/b"),
    ],
)
async def test_a_path_sets_fields(client: httpx.AsyncClient, path: str, text: str | None) -> None:
    assert (await got(client, "GET", path)).get("text") == text


async def test_a_path_sets_nested_and_typed_fields(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/inner/brand/12")
    assert answer.json()["label"] == "brand"
    typed = await got(client, "GET", "/lab/typed/true/COLOR_BLUE/1.5")
    assert typed == {"flag": True, "color": "COLOR_BLUE", "ratio": 1.5}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/lab/typed/yes/COLOR_BLUE/1.5", "flag"),
        ("/lab/typed/true/BLUE/1.5", "color"),
        ("/lab/typed/true/COLOR_BLUE/much", "ratio"),
        ("/lab/inner/brand/9223372036854775808", "big"),
    ],
)
async def test_a_path_value_of_the_wrong_kind_names_its_field(
    client: httpx.AsyncClient, path: str, field: str
) -> None:
    error = (await client.get(path)).json()["error"]
    assert error["code"] == 400
    assert error["details"][1]["fieldViolations"][0]["field"] == field


@pytest.mark.parametrize("path", ["/lab/echo/%zz", "/lab/echo/%ff", "/lab/echo/%4"])
async def test_a_path_that_cannot_be_decoded_is_refused(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(httpx.URL("http://obelisk.test", raw_path=path.encode()))
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["reason"] == "PATH_MALFORMED"


@pytest.mark.parametrize(
    "path",
    [
        "/", "/lab", "/lab/nothing", "/lab/echo/a/b", "/lab/echo/", "/lab/echo/a:whisper",
        "/lab/books/shelves/1", "/lab/books/shelves//books/2", "//lab/echo/a", "/lab/echo/a/",
    ],
)  # fmt: skip
async def test_a_path_that_nothing_answers_is_not_found(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(f"http://obelisk.test{path}")
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["status"], error["details"][0]["reason"]) == ("NOT_FOUND", "PATH_UNKNOWN")


async def test_a_wrong_method_is_told_the_right_ones(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/lab/echo/a")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, PATCH, PUT"
    assert answer.json()["error"]["details"][0]["reason"] == "METHOD_NOT_ALLOWED"
    probe = await client.post("/healthz")
    assert (probe.status_code, probe.json()["error"]["code"]) == (405, 405)


async def test_a_custom_method_is_routed(client: httpx.AsyncClient) -> None:
    assert await got(client, "REPORT", "/lab/echo?text=a") == {"text": "a"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("text=a+b%26c", {"text": "a b&c"}),
        ("flag=true&small=-3", {"flag": True, "small": -3}),
        ("big=9007199254740993", {"big": "9007199254740993"}),
        ("positiveBig=18446744073709551615", {"positiveBig": "18446744073709551615"}),
        ("positive_big=1", {"positiveBig": "1"}),
        ("ratio=0.1&precise=1e300", {"ratio": 0.1, "precise": 1e300}),
        ("precise=NaN", {"precise": "NaN"}),
        ("precise=-Infinity", {"precise": "-Infinity"}),
        ("raw=-_-_", {"raw": "+/+/"}),
        ("raw=aGk", {"raw": "aGk="}),
        ("color=COLOR_RED", {"color": "COLOR_RED"}),
        ("color=2", {"color": "COLOR_BLUE"}),
        ("words=a&words=b&words=", {"words": ["a", "b", ""]}),
        ("numbers=1&numbers=2", {"numbers": [1, 2]}),
        ("colors=COLOR_RED&colors=2", {"colors": ["COLOR_RED", "COLOR_BLUE"]}),
        ("inner.tags=a&inner.tags=b", {"inner": {"label": "", "count": 0, "tags": ["a", "b"]}}),
        ("inner.deeper.count=2", {"inner": {"label": "", "count": 0, "tags": [],
                                            "deeper": {"label": "", "count": 2, "tags": []}}}),
        ("firstChoice=", {}),
        ("second_choice=7", {"secondChoice": "7"}),
        ("maybe_text=x&maybeNumber=0", {"maybeText": "x"}),
        ("at=2026-01-31T12:00:00.5Z", {"at": "2026-01-31T12:00:00.500Z"}),
        ("lasts=1.5s", {"lasts": "1.500s"}),
        ("mask=text,inner.label", {"mask": "text,inner.label"}),
        ("maybeFlag=true&maybeBig=5", {"maybeFlag": True, "maybeBig": "5"}),
        ("maybeString=q", {"maybeString": "q"}),
        ("times=2026-01-01T00:00:00Z&times=2026-01-02T00:00:00Z",
         {"times": ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]}),
        ("any_value=hello", {"anyValue": "hello"}),
        ("", {}),
        ("&&", {}),
    ],
)  # fmt: skip
async def test_a_query_sets_fields(
    client: httpx.AsyncClient, query: str, expected: dict[str, object]
) -> None:
    assert await got(client, "GET", f"/lab/echo?{query}") == expected


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("flag=1", "flag", "true or false"),
        ("flag=True", "flag", "true or false"),
        ("flag=", "flag", "true or false"),
        ("small=a", "small", "integer"),
        ("small=", "small", "integer"),
        ("small=2147483648", "small", "2147483647"),
        ("small=1_000", "small", "integer"),
        ("small=%D9%A3", "small", "integer"),
        ("small=1.5", "small", "integer"),
        ("positive=-1", "positive", "from 0"),
        ("ratio=1e39", "ratio", "number"),
        ("precise=1e999", "precise", "number"),
        ("precise=inf", "precise", "number"),
        ("raw=%21", "raw", "base64"),
        ("color=GREEN", "color", "COLOR_RED"),
        ("color=9", "color", "COLOR_RED"),
        ("numbers=1&numbers=x", "numbers[1]", "integer"),
        ("text=a&text=b", "text", "more than once"),
        ("inner=x", "inner", "inner.label"),
        ("inner.nope=x", "inner.nope", "no field"),
        ("text.nope=x", "text", "has no fields"),
        ("inners.label=x", "inners", "has no fields"),
        ("labels=x", "labels", "query"),
        ("labels.a=x", "labels", "has no fields"),
        ("free=x", "free", "query"),
        ("at=yesterday", "at", "RFC 3339"),
        ("lasts=1", "lasts", "seconds"),
        ("txet=a", "txet", 'did you mean "text"'),
        ("firstChoice=a&secondChoice=1", "second_choice", "choice"),
    ],
)  # fmt: skip
async def test_a_query_that_cannot_be_meant_names_its_field(
    client: httpx.AsyncClient, query: str, field: str, says: str
) -> None:
    answer = await client.get(f"/lab/echo?{query}")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["status"] == "INVALID_ARGUMENT"
    violation = error["details"][1]["fieldViolations"][0]
    assert violation["field"] == field
    assert says in violation["description"]


async def test_a_query_cannot_set_what_the_path_sets(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/echo/a?text=b")
    assert answer.status_code == 400
    assert "set by the path" in answer.json()["error"]["message"]


@pytest.mark.parametrize("query", ["text=%ff", "&".join("words=a" for _ in range(501))])
async def test_a_query_that_cannot_be_read_is_refused(
    client: httpx.AsyncClient, query: str
) -> None:
    answer = await client.get(f"/lab/echo?{query}")
    assert answer.json()["error"]["details"][0]["reason"] == "QUERY_MALFORMED"


async def test_a_whole_body_sets_every_field(client: httpx.AsyncClient) -> None:
    sent: Sent = {
        "text": "a",
        "maybe_text": "b",
        "inner": {"count": 3},
        "labels": {"k": "v"},
        "flag": None,
    }
    body = await got(client, "POST", "/lab/echo", sent)
    inner = {"label": "", "count": 3, "tags": []}
    assert body == {"text": "a", "maybeText": "b", "inner": inner, "labels": {"k": "v"}}


async def test_a_whole_body_leaves_nothing_for_the_query(client: httpx.AsyncClient) -> None:
    answer = await client.post("/lab/echo?text=a", json={})
    assert answer.status_code == 400
    assert "JSON body" in answer.json()["error"]["message"]


async def test_a_body_field_is_set_beside_path_and_query(client: httpx.AsyncClient) -> None:
    answer = await got(client, "PATCH", "/lab/echo/a?small=4", {"label": "x"})
    assert answer == {"text": "a", "small": 4, "inner": {"label": "x", "count": 0, "tags": []}}
    refused = await client.patch("/lab/echo/a?inner.count=4", json={"label": "x"})
    assert refused.status_code == 400


async def test_a_body_may_repeat_the_path_and_not_contradict_it(client: httpx.AsyncClient) -> None:
    assert await got(client, "PUT", "/lab/echo/a", {"text": "a"}) == {"text": "a"}
    answer = await client.put("/lab/echo/a", json={"text": "b"})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][1]["fieldViolations"][0]["field"] == "text"


async def test_an_answer_can_be_one_field(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/words?words=a&words=b")
    assert answer.json() == ["a", "b"]


async def test_an_answer_tells_its_defaults(client: httpx.AsyncClient) -> None:
    body = (await client.get("/lab/echo")).json()
    assert (body["text"], body["big"], body["color"], body["words"], body["labels"]) == (
        "", "0", "COLOR_UNSPECIFIED", [], {}
    )  # fmt: skip
    assert "maybeText" not in body
    assert "inner" not in body


@pytest.mark.parametrize("text", ["a/b:c", "%", "é?#", "a b+c", "\x7f", "😀"])
async def test_any_text_survives_a_path_once_escaped(web: httpx.AsyncClient, text: str) -> None:
    assert await got(web, "GET", f"/lab/echo/{quote(text, safe='')}") == {"text": text}
