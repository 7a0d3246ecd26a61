"""Streams over HTTP: events, their order and end, and clients that leave or dawdle."""

import asyncio
import json
import time

import httpx
import pytest
from google.protobuf.message import Message

from entrypoints.rest.framing import ServerSentEvents, event_field
from fixtures.rest_lab import Lab
from obelisk.v1 import run_pb2


async def events(client: httpx.AsyncClient, url: str, **headers: str) -> list[dict[str, str]]:
    """Every event of a stream, comments left out."""
    answer = await client.get(url, headers={k.replace("_", "-"): v for k, v in headers.items()})
    assert answer.status_code == 200, answer.text
    blocks = [block for block in answer.text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


async def test_a_stream_is_events_in_order_and_an_end(client: httpx.AsyncClient) -> None:
    received = await events(client, "/lab/watch?count=3")
    assert [(e.get("id"), e["event"]) for e in received] == [
        ("1", "started_now"), ("2", "token"), ("3", "token"), (None, "end"),
    ]  # fmt: skip
    assert json.loads(received[0]["data"]) == {"sequence": "1", "startedNow": {}}
    assert json.loads(received[2]["data"]) == {"sequence": "3", "token": {"text": "w3\n"}}
    assert received[3]["data"] == "{}"


async def test_a_stream_cannot_be_cached_or_buffered(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/watch?count=1")
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["x-correlation-id"]


async def test_a_stream_can_be_started_by_post(client: httpx.AsyncClient) -> None:
    answer = await client.post("/lab/watch", json={"count": 1})
    assert answer.text.startswith("id: 1\nevent: started_now\ndata: {")


async def test_a_stream_of_no_events_is_messages(client: httpx.AsyncClient) -> None:
    received = await events(client, "/lab/plain")
    assert [each["event"] for each in received] == ["message", "message", "end"]
    assert json.loads(received[1]["data"])["small"] == 2


async def test_an_empty_stream_is_only_its_end(client: httpx.AsyncClient) -> None:
    assert await events(client, "/lab/watch?count=0") == [{"event": "end", "data": "{}"}]


async def test_a_watcher_resumes_after_its_last_event(client: httpx.AsyncClient) -> None:
    received = await events(client, "/lab/watch?count=1&after_sequence=2", Last_Event_ID="41")
    assert received[0]["id"] == "42"
    assert (await events(client, "/lab/watch?count=1&after_sequence=2"))[0]["id"] == "3"
    assert (await events(client, "/lab/watch?count=1", Last_Event_ID=""))[0]["id"] == "1"


@pytest.mark.parametrize("last", ["abc", "-1", "1.0", str(2**63), "9" * 30])
async def test_a_last_event_that_is_no_number_is_refused(
    client: httpx.AsyncClient, last: str
) -> None:
    answer = await client.get("/lab/watch?count=1", headers={"last-event-id": last})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert "Last-Event-ID" in answer.json()["error"]["message"]


async def test_an_error_before_the_first_event_is_a_plain_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/lab/watch?count=0&fail_with=5")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["message"] == "as told"


async def test_an_error_after_the_first_event_is_an_event(client: httpx.AsyncClient) -> None:
    received = await events(client, "/lab/watch?count=1&fail_with=10")
    assert [each["event"] for each in received] == ["started_now", "error"]
    error = json.loads(received[1]["data"])["error"]
    assert (error["code"], error["status"], error["message"]) == (409, "ABORTED", "as told")


async def test_a_deadline_ends_a_stream_with_an_error(client: httpx.AsyncClient) -> None:
    headers = {"x_timeout_seconds": "0.2"}
    received = await events(client, "/lab/watch?count=1&silence_after=9", **headers)
    assert json.loads(received[-1]["data"])["error"]["code"] == 504


async def test_a_silent_stream_opens_and_beats_before_its_first_event(
    web: httpx.AsyncClient,
) -> None:
    began = time.monotonic()
    async with web.stream("GET", "/lab/watch?count=1&silence_before=1") as answer:
        opened = time.monotonic() - began
        text = [piece async for piece in answer.aiter_text()]
    assert opened < 0.9
    assert "".join(text).count(": heartbeat") >= 3
    assert "".join(text).endswith("event: end\ndata: {}\n\n")


async def test_an_error_after_a_silence_is_an_event(client: httpx.AsyncClient) -> None:
    received = await events(client, "/lab/watch?count=0&silence_before=0.3&fail_with=7")
    assert json.loads(received[0]["data"])["error"]["code"] == 403


async def test_each_event_is_sent_at_once(web: httpx.AsyncClient) -> None:
    async with web.stream("GET", "/lab/watch?count=1&silence_after=20") as answer:
        async with asyncio.timeout(3):
            first = await anext(answer.aiter_text())
    assert first.startswith("id: 1\n")


@pytest.mark.parametrize("query", ["count=1&silence_after=20", "silence_before=20"])
async def test_a_client_that_leaves_cancels_its_stream(
    web: httpx.AsyncClient, lab: Lab, query: str
) -> None:
    headers = {"x-correlation-id": f"leaves-{len(query)}"}
    async with web.stream("GET", f"/lab/watch?{query}", headers=headers) as answer:
        await anext(answer.aiter_text())
        assert headers["x-correlation-id"] not in lab.cancelled
    await lab.until_cancelled(headers["x-correlation-id"], seconds=2)


async def test_a_client_that_leaves_cancels_its_long_call(web: httpx.AsyncClient, lab: Lab) -> None:
    headers = {"x-correlation-id": "leaves-a-call"}
    with pytest.raises(httpx.ReadTimeout):
        await web.get("/lab/sleep", headers=headers, timeout=1.2)
    await lab.until_cancelled("leaves-a-call", seconds=2)


async def test_a_client_that_takes_nothing_slows_its_stream_and_is_let_go(
    address: tuple[str, int], lab: Lab
) -> None:
    lab.sent = 0
    reader, writer = await asyncio.open_connection(*address, limit=1024)
    writer.write(b"GET /lab/watch?count=100000&padding=10 HTTP/1.1\r\n")
    writer.write(b"host: x\r\nx-correlation-id: slow\r\n\r\n")
    await lab.until_cancelled("slow", seconds=8)
    assert 0 < lab.sent < 2_000  # of 100,000 events, 1 GB
    writer.transport.abort()
    del reader


async def test_json_lines_are_there_for_who_accepts_them(client: httpx.AsyncClient) -> None:
    headers = {"accept": "application/x-ndjson"}
    answer = await client.get("/lab/watch?count=2&fail_with=10", headers=headers)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0] == {"result": {"event": {"sequence": "1", "startedNow": {}}}}
    assert lines[2]["error"]["status"] == "ABORTED"


def test_the_runs_events_are_found_by_their_shape() -> None:
    event = run_pb2.RunEvent(sequence=9, token_batch=run_pb2.TokenBatch(text="Hi\n"))
    response: Message = run_pb2.WatchRunResponse(event=event)
    found = event_field(run_pb2.WatchRunResponse.DESCRIPTOR)
    assert found is not None
    assert found.name == "event"
    framing = ServerSentEvents(run_pb2.WatchRunResponse.DESCRIPTOR, lambda message: None)
    assert framing.message(response) == (
        b'id: 9\nevent: token_batch\ndata: {"sequence":"9","tokenBatch":{"text":"Hi\\n"}}\n\n'
    )
