"""Ctrl-C and kill -9 at any moment leave no process and no broken data."""

import asyncio
import random
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoints.cli.spaces import enter, organization_named, space_named
from fixtures.obelisk_process import COMMAND, EXAMPLES, ObeliskProcess, environment, processes_under
from obelisk.client import ObeliskClient
from obelisk.v1 import document_pb2, run_pb2

INTERRUPTED = 130


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="obelisk-stop-") as path:
        yield Path(path)


async def _client(server: ObeliskProcess) -> ObeliskClient:
    return ObeliskClient(server.grpc, token=await server.token())


async def test_ctrl_c_at_random_moments_of_the_demo_leaves_nothing_and_the_next_one_works(
    folder: Path,
) -> None:
    chance = random.Random(7)
    for seconds in [chance.uniform(0.1, 12.0) for _ in range(3)]:
        code, said = await _demo(folder, stop_after=seconds)
        assert code in (0, INTERRUPTED), f"stopped after {seconds:.1f} s: {said}"
        assert "Traceback" not in said, f"stopped after {seconds:.1f} s: {said}"
        assert await _gone(folder), processes_under(folder)
    code, said = await _demo(folder)
    assert code == 0, said
    assert "each the same as it was streamed" in " ".join(said.split())


async def test_after_kill_9_the_run_goes_on_to_its_end_and_the_document_is_ingested(
    folder: Path,
) -> None:
    server = await ObeliskProcess.serve(folder)
    async with await _client(server) as client:
        await _space(client)
        path = EXAMPLES / "brand-guide.docx"
        sent = await client.upload(path.name, path.read_bytes())
        run_id = await _begin_run(client)
        await server.kill()
    assert await _gone(folder), processes_under(folder)

    server = await ObeliskProcess.serve(folder)
    async with await _client(server) as client:
        await enter(client, None)
        async with asyncio.timeout(60):
            events = [event async for event in client.watch(run_id)]
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert [e.started.attempt for e in events if e.HasField("started")] == [1, 2]
        assert events[-1].completed.reason == run_pb2.TERMINATION_REASON_COMPLETE
        async for document in client.ingestion(sent.document_id):
            last = document
        assert last.state == document_pb2.INGEST_STATE_READY
    assert await server.stop() == 0
    assert not server.left_behind()


async def test_a_second_server_on_the_same_data_says_who_holds_it(
    server: ObeliskProcess, data_dir: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "serve",
        env=environment(data_dir),
        cwd=data_dir,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert str(server.process.pid) in said.decode()
    assert "Traceback" not in said.decode()


async def _demo(folder: Path, stop_after: float | None = None) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "demo",
        "--examples",
        str(EXAMPLES),
        env=environment(folder),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    talking = asyncio.ensure_future(process.communicate())
    if stop_after is not None:
        await asyncio.wait({talking}, timeout=stop_after)
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
    said, _ = await asyncio.wait_for(talking, 300)
    return process.returncode or 0, said.decode()


async def _gone(folder: Path, seconds: float = 5.0) -> bool:
    """Whether no process names the folder any more, soon after its owner ended."""
    for _ in range(int(seconds / 0.1)):
        if not processes_under(folder):
            return True
        await asyncio.sleep(0.1)
    return False


async def _space(client: ObeliskClient) -> None:
    organization = await organization_named(client, "Larkfell")
    client.space_id = (await space_named(client, organization, "Marketing")).space_id
    sent = await client.upload("fair.md", b"# Fair\n\nOur stand at the Lisbon fair is B12.\n")
    async for _ in client.ingestion(sent.document_id):
        pass


async def _begin_run(client: ObeliskClient) -> str:
    """Start a run and return its id once it has said something."""
    run_id = ""
    async for event in client.ask("email", "Invite our owners to the Lisbon fair."):
        run_id = run_id or event.queued.run_id
        if event.HasField("token_batch"):
            break
    return run_id
