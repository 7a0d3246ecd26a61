"""Bad input gets a clear error with a reason and a field, over gRPC and over REST."""

from collections.abc import AsyncIterator

import grpc
import httpx
import pytest
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # no py.typed

from fixtures.obelisk_process import ObeliskProcess
from obelisk.client import ObeliskClient
from obelisk.v1 import document_pb2, run_pb2

MISSING = "01a20432-7d33-7222-b498-9909bc733ba9"


def _told(error: grpc.aio.AioRpcError) -> tuple[str, str]:
    """The reason and the field of a rich error."""
    # The stubs know a trailer's parts by name, the library by position.
    trailers: dict[str, bytes] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
    trailer = trailers["grpc-status-details-bin"]
    reason = field = ""
    for detail in status_pb2.Status.FromString(trailer).details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            reason = info.reason
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest()
            detail.Unpack(bad)
            field = bad.field_violations[0].field
    return reason, field


@pytest.mark.parametrize(
    ("request_", "reason", "field"),
    [
        (run_pb2.StartRunRequest(agent="poet", question="Hi"), "UNKNOWN_AGENT", "agent"),
        (run_pb2.StartRunRequest(agent="email", question=" \n"), "INVALID_INPUT", "question"),
        (run_pb2.StartRunRequest(agent="email", question="x" * 8001), "INVALID_INPUT", "question"),
        (
            run_pb2.StartRunRequest(agent="email", question="Hi", conversation_id="nope"),
            "INVALID_INPUT",
            "conversation_id",
        ),
        (
            run_pb2.StartRunRequest(agent="email", question="Hi", conversation_id=MISSING),
            "CONVERSATION_NOT_FOUND",
            "conversation_id",
        ),
    ],
)
async def test_a_bad_question_is_refused_with_its_reason_and_field(
    client: ObeliskClient, request_: run_pb2.StartRunRequest, reason: str, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        async for _ in client.runs.StartRun(request_, metadata=client.metadata):
            pass
    assert _told(refused.value) == (reason, field)


async def test_a_missing_space_header_is_named(client: ObeliskClient) -> None:
    client.space_id = None
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await client.runs.ListRuns(run_pb2.ListRunsRequest(), metadata=client.metadata)
    assert _told(refused.value) == ("SPACE_HEADER_MISSING", "x-space-id")


async def test_a_foreign_and_a_missing_space_answer_the_same(client: ObeliskClient) -> None:
    client.space_id = MISSING
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await client.runs.ListRuns(run_pb2.ListRunsRequest(), metadata=client.metadata)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert _told(refused.value)[0] == "SPACE_NOT_FOUND"


async def test_no_token_and_a_wrong_token_are_refused(server: ObeliskProcess) -> None:
    async with ObeliskClient(server.grpc, token="not.a.token") as stranger:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stranger.runs.ListRuns(run_pb2.ListRunsRequest(), metadata=stranger.metadata)
        assert _told(refused.value)[0] == "TOKEN_REJECTED"
        with pytest.raises(grpc.aio.AioRpcError) as anonymous:
            await stranger.runs.ListRuns(run_pb2.ListRunsRequest())
        assert _told(anonymous.value) == ("TOKEN_MISSING", "authorization")


async def test_a_200_mb_upload_is_refused_and_nothing_is_kept(client: ObeliskClient) -> None:
    async def parts() -> AsyncIterator[document_pb2.UploadDocumentRequest]:
        metadata = document_pb2.DocumentMetadata(filename="huge.md")
        yield document_pb2.UploadDocumentRequest(metadata=metadata)
        for _ in range(200):
            yield document_pb2.UploadDocumentRequest(content=b"x" * 1024 * 1024)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await client.documents.UploadDocument(parts(), metadata=client.metadata)
    assert _told(refused.value) == ("DOCUMENT_TOO_LARGE", "content")
    assert not await _documents(client)


@pytest.mark.parametrize(
    ("filename", "content", "reason", "field"),
    [
        ("virus.exe", b"MZ", "UNSUPPORTED_MEDIA_TYPE", "filename"),
        ("guide.pdf", b"not a pdf", "MEDIA_TYPE_MISMATCH", "content"),
        ("notes.md", b"\x00\x01\x02", "MEDIA_TYPE_MISMATCH", "content"),
        ("empty.md", b"", "DOCUMENT_EMPTY", "content"),
        ("", b"x", "INVALID_INPUT", "filename"),
    ],
)
async def test_a_file_of_the_wrong_type_is_refused_and_nothing_is_kept(
    client: ObeliskClient, filename: str, content: bytes, reason: str, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await client.upload(filename, content)
    assert _told(refused.value) == (reason, field)
    assert not await _documents(client)


async def test_a_broken_file_fails_alone_with_a_reason(client: ObeliskClient) -> None:
    broken = await client.upload("broken.pdf", b"%PDF-1.7\ngarbage")
    whole = await client.upload("whole.md", b"# Whole\n\nThis one is fine and can be found.\n")
    ends = {}
    for sent in (broken, whole):
        async for document in client.ingestion(sent.document_id):
            ends[document.filename] = document
    assert ends["broken.pdf"].state == document_pb2.INGEST_STATE_FAILED
    assert ends["broken.pdf"].failure
    assert ends["whole.md"].state == document_pb2.INGEST_STATE_READY


async def test_an_unknown_field_in_json_is_named(
    server: ObeliskProcess, client: ObeliskClient
) -> None:
    async with httpx.AsyncClient(base_url=server.rest, headers=dict(client.metadata)) as web:
        body = {"agent": "email", "question": "Hi", "bogus": 1}
        answer = await web.post("/v1/runs", json=body)
    assert answer.status_code == 400
    details = answer.json()["error"]["details"]
    assert details[0]["reason"] == "UNKNOWN_FIELD"
    assert details[1]["fieldViolations"][0]["field"] == "bogus"


async def _documents(client: ObeliskClient) -> list[document_pb2.Document]:
    request = document_pb2.ListDocumentsRequest()
    return list((await client.documents.ListDocuments(request, metadata=client.metadata)).documents)


async def test_an_identity_given_twice_is_refused(client: ObeliskClient) -> None:
    twice = (*client.metadata, ("x-space-id", MISSING))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await client.runs.ListRuns(run_pb2.ListRunsRequest(), metadata=twice)
    assert _told(refused.value) == ("INVALID_INPUT", "x-space-id")
