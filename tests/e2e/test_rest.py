"""The same platform from the web: JSON and server-sent events, with nothing but HTTP."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from fixtures.obelisk_process import EXAMPLES, ObeliskProcess
from obelisk.client import ObeliskClient

QUESTION = {"agent": "email", "question": "Announce Second Round."}
HELLO = {"agent": "email", "question": "Say hello to our owners."}


@pytest.fixture(scope="module")
async def web(server: ObeliskProcess, stocked: ObeliskClient) -> AsyncIterator[httpx.AsyncClient]:
    """For tests that change nothing."""
    headers = dict(stocked.metadata)
    async with httpx.AsyncClient(base_url=server.rest, headers=headers, timeout=60) as opened:
        yield opened


@pytest.fixture
async def own(server: ObeliskProcess, client: ObeliskClient) -> AsyncIterator[httpx.AsyncClient]:
    """In a space of the test's own, which is empty."""
    headers = dict(client.metadata)
    async with httpx.AsyncClient(base_url=server.rest, headers=headers, timeout=60) as opened:
        yield opened


async def _events(response: httpx.Response) -> list[tuple[str, str, str]]:
    """(id, event, data) of each server-sent event."""
    events, fields = [], {"id": "", "event": "", "data": ""}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if line and name in fields:
            fields[name] = value
        elif not line and fields["event"]:
            events.append((fields["id"], fields["event"], fields["data"]))
            fields = {"id": fields["id"], "event": "", "data": ""}
    return events


async def test_a_run_streams_as_server_sent_events_and_resumes_from_any_of_them(
    web: httpx.AsyncClient,
) -> None:
    async with web.stream("POST", "/v1/runs", json=QUESTION) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = await _events(response)
    assert events[0][1] == "queued"
    assert events[-1][1] == "end"
    kept = events[:-1]
    assert [int(number) for number, _, _ in kept] == list(range(1, len(kept) + 1))
    assert kept[-1][1] == "completed"

    run_id = json.loads(kept[0][2])["queued"]["runId"]
    half = len(kept) // 2
    resume = {"last-event-id": str(half)}
    async with web.stream("GET", f"/v1/runs/{run_id}:watch", headers=resume) as response:
        assert (await _events(response))[:-1] == kept[half:]


async def test_unary_calls_answer_json(web: httpx.AsyncClient) -> None:
    agents = (await web.get("/v1/agents")).json()["agents"]
    assert [agent["name"] for agent in agents] == ["brand", "email", "seo", "strategy"]
    documents = (await web.get("/v1/documents", params={"page_size": 1})).json()
    assert len(documents["documents"]) == 1
    assert documents["nextPageToken"]
    assert (await web.get("/readyz")).status_code == 200


async def test_a_document_is_uploaded_as_it_is(own: httpx.AsyncClient) -> None:
    answer = await own.post(
        "/v1/documents:upload",
        params={"filename": "price-list.xlsx", "collection": "COLLECTION_PRODUCT"},
        content=(EXAMPLES / "price-list.xlsx").read_bytes(),
        headers={"content-type": "application/octet-stream"},
    )
    assert answer.status_code == 200, answer.text
    document = answer.json()["document"]
    assert document["filename"] == "price-list.xlsx"
    assert document["collection"] == "COLLECTION_PRODUCT"


async def test_a_cursor_beyond_the_end_is_out_of_range(own: httpx.AsyncClient) -> None:
    async with own.stream("POST", "/v1/runs", json=HELLO) as response:
        events = await _events(response)
    run_id = json.loads(events[0][2])["queued"]["runId"]
    answer = await own.get(f"/v1/runs/{run_id}:watch", params={"after_sequence": 100_000})
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "OUT_OF_RANGE"


async def test_an_ingestion_is_watched_as_server_sent_events(own: httpx.AsyncClient) -> None:
    sent = await own.post(
        "/v1/documents:upload", params={"filename": "fair.md"}, content=b"# Fair\n\nStand B12.\n"
    )
    document_id = sent.json()["document"]["documentId"]
    accept = {"accept": "text/event-stream"}
    async with own.stream("GET", f"/v1/documents/{document_id}:watch", headers=accept) as response:
        events = await _events(response)
    assert events[-1][1] == "end"
    told = [json.loads(data)["document"] for _, _, data in events[:-1]]
    assert {document["documentId"] for document in told} == {document_id}
    assert told[-1]["state"] == "INGEST_STATE_READY"
    again = await own.post(
        "/v1/documents:upload", params={"filename": "fair.md"}, content=b"# Fair\n\nStand B12.\n"
    )
    assert again.json()["document"]["documentId"] == document_id
    newer = await own.post(
        "/v1/documents:upload", params={"filename": "fair.md"}, content=b"# Fair\n\nStand C7.\n"
    )
    assert newer.json()["document"]["version"] == 2
    findings = await own.get(f"/v1/documents/{document_id}/findings")
    assert findings.json()["findings"] == []


async def test_an_upload_goes_on_where_it_broke_off(own: httpx.AsyncClient) -> None:
    whole = b"# Fair\n\nOur stand at the fair is D4.\n"
    begun = await own.post("/v1/uploads", json={"filename": "fair.md", "sizeBytes": len(whole)})
    upload_id = begun.json()["upload"]["uploadId"]
    kind = {"content-type": "application/octet-stream"}

    async def send(offset: int, content: bytes) -> httpx.Response:
        where = {"upload_id": upload_id, "offset": offset}
        return await own.post("/v1/uploads:append", params=where, content=content, headers=kind)

    assert (await send(0, whole[:7])).json()["upload"]["receivedBytes"] == "7"
    refused = await send(9, whole[9:])
    assert refused.status_code == 400
    details = refused.json()["error"]["details"]
    assert {"received_bytes": "7"} in [detail.get("metadata") for detail in details]
    kept = (await own.get(f"/v1/uploads/{upload_id}")).json()["upload"]
    assert (await send(int(kept["receivedBytes"]), whole[7:])).status_code == 200
    made = (await own.post(f"/v1/uploads/{upload_id}:finish")).json()["document"]
    assert (made["sizeBytes"], made["filename"]) == (str(len(whole)), "fair.md")
    assert (await own.delete(f"/v1/uploads/{upload_id}")).status_code == 200
    assert (await own.get(f"/v1/uploads/{upload_id}")).status_code == 404
