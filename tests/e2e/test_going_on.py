"""A server that is killed in the middle of its work, and started again on the same folder."""

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio

from fixtures.entering import new_space
from fixtures.obelisk_process import (
    COMMAND,
    EXAMPLES,
    ObeliskProcess,
    environment,
    gone,
    processes_under,
)
from fixtures.openai_server import FakeOpenAiServer
from obelisk.client import ObeliskClient
from obelisk.draft import Draft
from obelisk.v1 import document_pb2, run_pb2

GOES_ON_SECONDS = 5.0


@dataclass(slots=True, kw_only=True)
class Server:
    """One server at one address, however often it is started."""

    folder: Path
    settings: dict[str, str]
    process: ObeliskProcess

    async def kill(self) -> None:
        """kill -9; what it had started is gone soon after it."""
        await self.process.kill()
        assert await gone(self.folder), processes_under(self.folder)

    async def start(self) -> None:
        self.process = await ObeliskProcess.serve(self.folder, **self.settings)

    async def command(self, *arguments: str) -> str:
        """What `obelisk` with these arguments prints; it has to succeed."""
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *arguments,
            env=environment(self.folder, **self.settings, COLUMNS="200"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    # An answer takes a second or two: long enough to kill whoever writes it.
    model = FakeOpenAiServer(context_words=100_000, word_pause=0.03)
    model.start()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"OBELISK_GRPC_PORT": str(port), **model.settings}
    with tempfile.TemporaryDirectory(prefix="obelisk-on-") as name:
        folder = Path(name)
        process = await ObeliskProcess.serve(folder, **settings)
        made = Server(folder=folder, settings=settings, process=process)
        yield made
        assert await made.process.stop() == 0
    model.stop()


@pytest_asyncio.fixture
async def client(server: Server) -> AsyncIterator[ObeliskClient]:
    token = await server.process.token()
    async with ObeliskClient(server.process.grpc, token=token) as obelisk:
        obelisk.space_id = await new_space(obelisk)
        yield obelisk


async def test_a_watcher_sees_a_run_go_on_to_its_end_after_kill_9_in_the_middle_of_writing(
    server: Server, client: ObeliskClient
) -> None:
    draft, events, up_again = Draft(), [], 0.0
    async with asyncio.timeout(60), aclosing(client.ask("brand", "Say hello, at length.")) as asked:
        async for event in asked:
            events.append(event)
            draft.add(event)
            if up_again and event.HasField("started"):
                assert time.monotonic() - up_again < GOES_ON_SECONDS
            if not up_again and len(draft.text) > 20:
                await server.kill()
                await server.start()
                up_again = time.monotonic()
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [e.started.attempt for e in events if e.HasField("started")] == [1, 2]
    (discarded,) = [n for n, e in enumerate(events) if e.HasField("draft_discarded")]
    before = [e.token_batch.text for e in events[:discarded]]
    assert events[discarded].draft_discarded.characters == len("".join(before))
    assert events[discarded - 1].HasField("started")
    (drafted,) = [e.drafted.text for e in events if e.HasField("drafted")]
    assert drafted == draft.text
    assert events[-1].completed.reason == run_pb2.TERMINATION_REASON_COMPLETE


async def test_a_question_whose_server_is_killed_before_it_answers_is_answered_once(
    server: Server, client: ObeliskClient
) -> None:
    asked = client.ask("brand", "Say hello.")
    async with asyncio.timeout(60), aclosing(asked):
        first = asyncio.ensure_future(anext(asked))
        await asyncio.sleep(0.002)
        await server.kill()
        await server.start()
        events = [await first] + [event async for event in asked]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert events[-1].completed.reason == run_pb2.TERMINATION_REASON_COMPLETE
    listed = await client.runs.ListRuns(run_pb2.ListRunsRequest(), metadata=client.metadata)
    assert len(listed.runs) == 1


async def test_a_run_that_waits_for_approval_and_a_document_that_comes_in_survive_kill_9(
    server: Server, client: ObeliskClient
) -> None:
    path, events = EXAMPLES / "brand-guide.docx", []
    sent = await client.upload(path.name, path.read_bytes())
    asked = client.ask("brand", "Say hello.", require_approval=True)
    async with asyncio.timeout(60), aclosing(asked):
        async for event in asked:
            events.append(event)
            if event.HasField("paused"):
                break
    run_id, pause = events[0].queued.run_id, events[-1].paused
    await server.kill()
    await server.start()
    found = await client.runs.GetRun(
        run_pb2.GetRunRequest(run_id=run_id), metadata=client.metadata, wait_for_ready=True
    )
    assert found.run.state == run_pb2.RUN_STATE_PAUSED
    assert found.run.pause == pause
    said = await server.command(
        *("runs", "approve", run_id, "--note", "Fine.", "--space", client.space_id or ""),
        *("--server", server.process.grpc),
    )
    assert "approved" in said
    last = events[-1].sequence
    async with asyncio.timeout(20):
        rest = [event async for event in client.watch(run_id, after_sequence=last)]
    assert [event.sequence for event in rest] == list(range(last + 1, last + 1 + len(rest)))
    kinds = [event.WhichOneof("kind") for event in rest]
    assert kinds == ["resumed", "started", "completed"]
    assert rest[0].resumed.note == "Fine."
    assert rest[-1].completed.reason == run_pb2.TERMINATION_REASON_COMPLETE
    async for document in client.ingestion(sent.document_id):
        told = document
    assert told.state == document_pb2.INGEST_STATE_READY, told.failure
