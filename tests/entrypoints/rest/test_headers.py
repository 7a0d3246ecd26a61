"""Which headers travel on, and which deadline a call gets."""

import uuid

import httpx
import pytest


async def who(client: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, str]:
    answer = await client.get("/lab/who", headers=headers)
    assert answer.status_code == 200, answer.text
    metadata: dict[str, str] = answer.json()["metadata"]
    return metadata


async def test_only_the_listed_headers_travel_on(client: httpx.AsyncClient) -> None:
    passed = {
        "authorization": "Bearer abc",
        "x-space-id": "s-1",
        "x-correlation-id": "c-1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    dropped = {
        "cookie": "a=b",
        "x-forwarded-for": "1.2.3.4",
        "x-principal": "root",
        "te": "trailers",
    }
    assert await who(client, passed | dropped) == passed


async def test_an_answer_carries_the_servers_correlation_id(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/who", headers={"x-correlation-id": "c-1"})
    assert answer.headers["x-correlation-id"] == "of-the-server"


async def test_every_answer_carries_a_correlation_id(client: httpx.AsyncClient) -> None:
    own = {"x-correlation-id": "c-1"}
    for path in ("/lab/echo", "/lab/nothing", "/lab/echo?small=x"):
        assert (await client.get(path, headers=own)).headers["x-correlation-id"] == "c-1"
        assert uuid.UUID((await client.get(path)).headers["x-correlation-id"])
    assert uuid.UUID((await who(client, {}))["x-correlation-id"])


@pytest.mark.parametrize("given", ["a b", "a=b", "a" * 65, ""])
async def test_a_correlation_id_that_is_no_plain_token_is_replaced(
    client: httpx.AsyncClient, given: str
) -> None:
    headers = {"x-correlation-id": given}
    sent = (await who(client, headers))["x-correlation-id"]
    assert uuid.UUID(sent)
    echoed = (await client.get("/lab/echo", headers=headers)).headers["x-correlation-id"]
    assert uuid.UUID(echoed)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", b"Bearer a\x01b"),
        ("authorization", "Bearer é".encode()),
        ("x-space-id", b"a\tb"),
        ("x-correlation-id", b"a\x7fb"),
        ("authorization", b"a" * 8193),
    ],
)
async def test_a_header_that_cannot_travel_is_refused(
    client: httpx.AsyncClient, name: str, value: bytes
) -> None:
    answer = await client.get("/lab/who", headers=[(name.encode(), value)])
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["details"][0]["reason"] == "HEADER_INVALID"
    assert error["details"][1]["fieldViolations"][0]["field"] == name


@pytest.mark.parametrize("name", ["authorization", "x-space-id", "x-correlation-id"])
async def test_a_header_given_twice_is_refused(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get("/lab/who", headers=[(name, "a"), (name, "b")])
    assert answer.status_code == 400
    assert "more than once" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({}, 290, 300),
        ({"grpc-timeout": "20S"}, 15, 20),
        ({"grpc-timeout": "20000m"}, 15, 20),
        ({"grpc-timeout": "1M"}, 50, 60),
        ({"x-timeout-seconds": "20"}, 15, 20),
        ({"x-timeout-seconds": "20.5"}, 15, 20.5),
        ({"x-timeout-seconds": "99999"}, 290, 300),
    ],
)
async def test_a_caller_sets_a_deadline_within_bounds(
    client: httpx.AsyncClient, headers: dict[str, str], least: float, most: float
) -> None:
    answer = await client.get("/lab/who", headers=headers)
    assert least < answer.json()["secondsLeft"] <= most + 1  # the wire rounds up


@pytest.mark.parametrize(
    "headers",
    [
        {"grpc-timeout": "20"},
        {"grpc-timeout": "S"},
        {"grpc-timeout": "0S"},
        {"grpc-timeout": "123456789S"},
        {"x-timeout-seconds": "-1"},
        {"x-timeout-seconds": "0"},
        {"x-timeout-seconds": "nan"},
        {"x-timeout-seconds": "1e3"},
        {"x-timeout-seconds": ""},
        {"x-timeout-seconds": "1", "grpc-timeout": "1S"},
    ],
)
async def test_a_deadline_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.get("/lab/who", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["reason"] == "HEADER_INVALID"


async def test_a_deadline_that_passes_is_a_gateway_timeout(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/sleep", headers={"x-timeout-seconds": "0.05"})
    assert answer.status_code == 504
    assert answer.json()["error"]["status"] == "DEADLINE_EXCEEDED"
