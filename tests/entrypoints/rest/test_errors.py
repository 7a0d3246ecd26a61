"""Errors: one shape, the right status, and nothing of ours in the text."""

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2

from entrypoints.rest.app import create_app
from fixtures.rest_lab import Lab

STATUS = {
    "CANCELLED": (1, 499), "INVALID_ARGUMENT": (3, 400), "DEADLINE_EXCEEDED": (4, 504),
    "NOT_FOUND": (5, 404), "ALREADY_EXISTS": (6, 409), "PERMISSION_DENIED": (7, 403),
    "RESOURCE_EXHAUSTED": (8, 429), "FAILED_PRECONDITION": (9, 400), "ABORTED": (10, 409),
    "OUT_OF_RANGE": (11, 400), "UNIMPLEMENTED": (12, 501), "INTERNAL": (13, 500),
    "UNAVAILABLE": (14, 503), "DATA_LOSS": (15, 500), "UNAUTHENTICATED": (16, 401),
    "UNKNOWN": (2, 500),
}  # fmt: skip
INFO = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "RUN_NOT_FOUND",
    "domain": "obelisk",
    "metadata": {"run_id": "7"},
}
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.200s"}


async def fail(client: httpx.AsyncClient, code: int, *details: object) -> httpx.Response:
    sent = {"code": code, "message": "what went wrong", "details": details}
    return await client.post("/lab/fail", json=sent)


@pytest.mark.parametrize("name", STATUS)
async def test_a_status_becomes_its_http_status(client: httpx.AsyncClient, name: str) -> None:
    number, expected = STATUS[name]
    answer = await fail(client, number, INFO)
    assert answer.status_code == expected
    assert answer.json() == {
        "error": {"code": expected, "status": name, "message": "what went wrong", "details": [INFO]}
    }


async def test_a_caller_without_identity_is_asked_for_a_token(client: httpx.AsyncClient) -> None:
    assert (await fail(client, 16)).headers["www-authenticate"] == "Bearer"


async def test_a_caller_over_its_limit_is_told_when_to_come_back(client: httpx.AsyncClient) -> None:
    answer = await fail(client, 8, INFO, RETRY)
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["error"]["details"] == [INFO, RETRY]


@pytest.mark.parametrize("number", [2, 13, 14, 15])
async def test_the_text_of_a_library_is_not_shown(client: httpx.AsyncClient, number: int) -> None:
    answer = await fail(client, number)
    assert "secret" not in answer.text
    assert "what went wrong" not in answer.text
    assert answer.json()["error"]["details"] == []


async def test_a_server_that_is_gone_is_unavailable_without_its_address() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as nowhere:
        transport = httpx.ASGITransport(app=create_app(nowhere))
        async with httpx.AsyncClient(transport=transport, base_url="http://x.test") as client:
            answer = await client.get("/v1/agents")
            ready = await client.get("/readyz")
            file = {"file": ("a.txt", b"x" * (1 << 20))}
            upload = await client.post("/v1/documents:upload", files=file)
            stream = await client.get("/v1/runs/1:watch")
            assert (await client.get("/healthz")).status_code == 200
    assert [each.status_code for each in (answer, ready, upload, stream)] == [503] * 4
    assert "127.0.0.1" not in answer.text + ready.text + upload.text + stream.text


async def test_an_unforeseen_error_shows_only_the_correlation_id(
    channel: grpc.aio.Channel, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(channel)
    route = "/v1/agents"

    async def broken_send(message: dict[str, object]) -> None:
        received.append(message)

    async def broken_receive() -> dict[str, object]:
        raise RuntimeError("secret")

    received: list[dict[str, object]] = []
    scope = {
        "type": "http", "method": "GET", "path": route, "raw_path": route.encode(), "root_path": "",
        "query_string": b"", "headers": [(b"content-length", b"5"), (b"x-correlation-id", b"c-1")],
    }  # fmt: skip
    with pytest.raises(RuntimeError):  # the body cannot be read away either
        await app(scope, broken_receive, broken_send)  # type: ignore[arg-type]  # ASGI by hand
    start, body = received[:2]
    assert start["status"] == 500
    assert (b"x-correlation-id", b"c-1") in start["headers"]  # type: ignore[operator]
    assert b"secret" not in body["body"]  # type: ignore[operator]
    assert "c-1" in caplog.text


async def test_health_follows_the_grpc_server(client: httpx.AsyncClient, lab: Lab) -> None:
    assert (await client.get("/healthz")).json() == {"status": "SERVING"}
    assert (await client.get("/readyz")).status_code == 200
    lab.health = health_pb2.HealthCheckResponse.NOT_SERVING
    try:
        answer = await client.get("/readyz")
    finally:
        lab.health = health_pb2.HealthCheckResponse.SERVING
    assert (answer.status_code, answer.json()) == (503, {"status": "NOT_SERVING"})


async def test_cors_is_off_unless_an_origin_is_allowed(
    channel: grpc.aio.Channel, client: httpx.AsyncClient
) -> None:
    asked = {"origin": "https://app.example", "access-control-request-method": "POST"}
    asked["access-control-request-headers"] = "authorization,x-space-id,last-event-id"
    allowed = await client.options("/lab/echo", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    other = await client.options("/lab/echo", headers={**asked, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    transport = httpx.ASGITransport(app=create_app(channel))
    async with httpx.AsyncClient(transport=transport, base_url="http://x.test") as closed:
        answer = await closed.options("/v1/agents", headers=asked)
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers
