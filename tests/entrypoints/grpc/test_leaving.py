"""A server that leaves tells those whose streams are open: over a real gRPC server and client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import grpc
import pytest
import pytest_asyncio

from entrypoints.grpc.interceptors.chain import Call
from fixtures.identity import new_gate
from fixtures.streaming import SOON, Line, Runs, how_it_ends, member, served
from obelisk.v1 import document_pb2, run_pb2


@pytest_asyncio.fixture
async def line() -> AsyncIterator[Line]:
    async with new_gate(poll_seconds=0.02) as gate, served(gate, Runs()) as line:
        yield line


async def test_a_server_that_leaves_tells_its_watchers_to_call_another_one(line: Line) -> None:
    tokens = await member(line)
    call = await line.open(tokens)
    await line.streams.leave()
    leaving = grpc.StatusCode.UNAVAILABLE, "SERVER_LEAVING"
    assert await how_it_ends(call) == leaving
    late = line.stub.WatchRun(run_pb2.WatchRunRequest(), metadata=line.headers(tokens))
    assert await how_it_ends(late) == leaving


async def test_a_server_that_leaves_tells_also_those_who_still_stand_at_its_door(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, at_the_door = await member(line), asyncio.Event()

    async def unknown() -> None:
        at_the_door.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(line.gate.authority, "fresh", unknown)
    call = line.stub.WatchRun(run_pb2.WatchRunRequest(), metadata=line.headers(tokens))
    async with asyncio.timeout(SOON):
        await at_the_door.wait()
    await line.streams.leave()
    assert await how_it_ends(call) == (grpc.StatusCode.UNAVAILABLE, "SERVER_LEAVING")


async def test_a_server_that_leaves_tells_also_those_whose_letting_in_cannot_be_broken_off(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, at_the_door = await member(line), asyncio.Event()
    back = asyncio.Event()

    async def deaf() -> None:
        at_the_door.set()
        while not back.is_set():
            with suppress(asyncio.CancelledError):
                await back.wait()

    monkeypatch.setattr(line.gate.authority, "fresh", deaf)
    call = line.stub.WatchRun(run_pb2.WatchRunRequest(), metadata=line.headers(tokens))
    async with asyncio.timeout(SOON):
        await at_the_door.wait()
    try:
        await line.streams.leave()
        assert await how_it_ends(call) == (grpc.StatusCode.UNAVAILABLE, "SERVER_LEAVING")
    finally:
        back.set()


async def test_a_server_that_leaves_stays_until_nobody_calls_again(line: Line) -> None:
    tokens = await member(line)
    call = await line.open(tokens)
    leaving = asyncio.create_task(line.streams.leave())
    refused = [await how_it_ends(call)]
    for _ in range(5):
        await asyncio.sleep(0.03)
        assert not leaving.done()
        again = line.stub.WatchRun(run_pb2.WatchRunRequest(), metadata=line.headers(tokens))
        refused.append(await how_it_ends(again))
    assert set(refused) == {(grpc.StatusCode.UNAVAILABLE, "SERVER_LEAVING")}
    async with asyncio.timeout(SOON):
        await leaving


async def test_who_is_let_in_while_they_are_told_is_ended_once(
    line: Line, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tokens, at_the_door, open_up = await member(line), asyncio.Event(), asyncio.Event()
    abort = Call.abort

    async def let_in() -> None:
        at_the_door.set()
        await open_up.wait()

    async def opening(call: Call, status: grpc.Status) -> None:
        open_up.set()
        await abort(call, status)

    monkeypatch.setattr(line.gate.authority, "fresh", let_in)
    monkeypatch.setattr(Call, "abort", opening)
    call = line.stub.WatchRun(run_pb2.WatchRunRequest(), metadata=line.headers(tokens))
    async with asyncio.timeout(SOON):
        await at_the_door.wait()
    await line.streams.leave()
    assert await how_it_ends(call) == (grpc.StatusCode.UNAVAILABLE, "SERVER_LEAVING")
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_server_that_leaves_hears_an_upload_out(line: Line) -> None:
    tokens = await member(line)

    async def parts() -> AsyncIterator[document_pb2.UploadDocumentRequest]:
        yield document_pb2.UploadDocumentRequest(content=b"begun")
        await line.runs.received.wait()
        await line.streams.leave()

    answer = await line.documents.UploadDocument(parts(), metadata=line.headers(tokens))
    assert answer == document_pb2.UploadDocumentResponse()
