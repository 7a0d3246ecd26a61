"""Two servers and workers on one database: who is killed loses nothing, and nobody waits long."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest_asyncio

from fixtures.entering import new_space
from fixtures.obelisk_process import ObeliskProcess
from fixtures.openai_server import FakeOpenAiServer
from fixtures.postgres import PostgresServer
from obelisk.client import ObeliskClient
from obelisk.v1 import conversation_pb2, run_pb2

TAKEN_OVER_SECONDS = 5.0
CANCELLED_SECONDS = 1.5
HELD_BY_WORKERS = """
    select count(*) from obelisk.runs r join obelisk.workers w using (worker_id)
    where w.kind = 'worker' and r.state = 'running'
"""


@dataclass(slots=True, kw_only=True)
class Site:
    """What all processes share, and a space of its own for each test."""

    folder: Path
    settings: dict[str, str]
    here: ObeliskProcess
    there: ObeliskProcess
    token: str
    space: str = ""

    def client(self, process: ObeliskProcess) -> ObeliskClient:
        return ObeliskClient(process.grpc, token=self.token, space_id=self.space)

    @asynccontextmanager
    async def another(self, **more: str) -> AsyncIterator[ObeliskProcess]:
        """A third server, which the test may kill."""
        process = await ObeliskProcess.serve(self.folder, **self.settings, **more)
        yield process
        if process.process.returncode is None:
            assert await process.stop() == 0


@pytest_asyncio.fixture(scope="module")
async def shared_site(postgres_server: PostgresServer) -> AsyncIterator[Site]:
    # Each answer takes some seconds: long enough to kill whoever writes it.
    model = FakeOpenAiServer(context_words=100_000, word_pause=0.03)
    model.start()
    with tempfile.TemporaryDirectory(prefix="obelisk-many-") as folder:
        async with postgres_server.database() as database:
            settings = {
                "OBELISK_DATABASE_URL": database.superuser_dsn,
                "OBELISK_APP_DATABASE_URL": database.dsn,
                **model.settings,
                "OBELISK_INGESTIONS_AT_ONCE": "1",
            }
            one_place = settings | {"OBELISK_RUNS_AT_ONCE": "1"}
            here = await ObeliskProcess.serve(Path(folder), **one_place)
            there = await ObeliskProcess.serve(Path(folder), **settings)
            yield Site(
                folder=Path(folder),
                settings=settings,
                here=here,
                there=there,
                token=await here.token(),
            )
            assert [await there.stop(), await here.stop()] == [0, 0]
            assert not here.left_behind()
    model.stop()


@pytest_asyncio.fixture
async def site(shared_site: Site) -> Site:
    async with ObeliskClient(shared_site.there.grpc, token=shared_site.token) as operator:
        shared_site.space = await new_space(operator)
    return shared_site


async def _started(
    client: ObeliskClient,
    question: str = "Say hello, at length.",
    *,
    conversation_id: str = "",
    double_text: run_pb2.DoubleText.ValueType = run_pb2.DOUBLE_TEXT_UNSPECIFIED,
) -> str:
    """A run that was accepted; its stream is left."""
    request = run_pb2.StartRunRequest(
        agent="brand",
        question=question,
        conversation_id=conversation_id,
        double_text=double_text,
    )
    call = client.runs.StartRun(request, metadata=client.metadata)
    async for answer in call:
        run_id = answer.event.queued.run_id
        break
    call.cancel()
    return run_id


async def _watched(client: ObeliskClient, run_id: str) -> list[run_pb2.RunEvent]:
    call = client.runs.WatchRun(
        run_pb2.WatchRunRequest(run_id=run_id), metadata=client.metadata, timeout=60
    )
    return [answer.event async for answer in call if answer.HasField("event")]


async def _until_event(client: ObeliskClient, run_id: str, kind: str, times: int = 1) -> None:
    call = client.runs.WatchRun(
        run_pb2.WatchRunRequest(run_id=run_id), metadata=client.metadata, timeout=60
    )
    async for answer in call:
        times -= answer.event.WhichOneof("kind") == kind
        if not times:
            break
    call.cancel()


async def _held_by_workers(site: Site) -> int:
    """How many runs are executed by neither server."""
    connection = await asyncpg.connect(site.settings["OBELISK_DATABASE_URL"])
    try:
        return int(await connection.fetchval(HELD_BY_WORKERS))
    finally:
        await connection.close()


def _whole(events: list[run_pb2.RunEvent]) -> None:
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.HasField("completed") for event in events].count(True) == 1
    assert events[-1].HasField("completed")


async def test_runs_of_a_killed_server_go_on_elsewhere_within_five_seconds(site: Site) -> None:
    async with site.another() as victim, site.client(site.there) as watcher:
        async with site.client(victim) as asker:
            runs = [await _started(asker) for _ in range(3)]
        await asyncio.gather(*(_until_event(watcher, run, "token_batch") for run in runs))
        watching = [asyncio.ensure_future(_watched(watcher, run)) for run in runs]
        killed = time.monotonic()
        await victim.kill()
        await asyncio.gather(*(_until_event(watcher, run, "started", times=2) for run in runs))
        assert time.monotonic() - killed < TAKEN_OVER_SECONDS
        for events in await asyncio.gather(*watching):
            _whole(events)
            attempts = [event.started.attempt for event in events if event.HasField("started")]
            assert attempts == [1, 2]
            assert events[-1].completed.reason == run_pb2.TERMINATION_REASON_COMPLETE


async def test_a_run_that_finds_no_place_here_is_executed_by_the_other_server(site: Site) -> None:
    async with site.client(site.here) as asker:
        first = await _started(asker)
        began = time.monotonic()
        second = await _started(asker)
        await _until_event(asker, second, "started")
        assert time.monotonic() - began < 1.5
        still = await asker.runs.GetRun(
            run_pb2.GetRunRequest(run_id=first), metadata=asker.metadata
        )
        assert still.run.state == run_pb2.RUN_STATE_RUNNING
        for events in await asyncio.gather(_watched(asker, first), _watched(asker, second)):
            _whole(events)


async def test_a_run_is_cancelled_by_way_of_another_server(site: Site) -> None:
    async with site.client(site.here) as asker, site.client(site.there) as other:
        run_id = await _started(asker)
        await _until_event(other, run_id, "token_batch")
        began = time.monotonic()
        await other.runs.CancelRun(run_pb2.CancelRunRequest(run_id=run_id), metadata=other.metadata)
        events = await _watched(other, run_id)
        assert time.monotonic() - began < CANCELLED_SECONDS
    _whole(events)
    assert events[-1].completed.reason == run_pb2.TERMINATION_REASON_CANCELLED
    assert events[-1].completed.cancel_reason == run_pb2.CANCEL_REASON_USER
    assert any(event.HasField("token_batch") for event in events)


async def test_a_server_that_is_stopped_hands_its_runs_back_without_spending_an_attempt(
    site: Site,
) -> None:
    async with site.another() as leaving, site.client(site.there) as watcher:
        async with site.client(leaving) as asker:
            run_id = await _started(asker)
        await _until_event(watcher, run_id, "token_batch")
        assert await leaving.stop() == 0
        await _until_event(watcher, run_id, "started", times=2)
        events = await _watched(watcher, run_id)
        run = await watcher.runs.GetRun(
            run_pb2.GetRunRequest(run_id=run_id), metadata=watcher.metadata
        )
    _whole(events)
    assert run.run.attempts == 1
    assert run.run.termination_reason == run_pb2.TERMINATION_REASON_COMPLETE


async def test_a_later_question_takes_the_place_of_one_at_the_other_server(site: Site) -> None:
    async with site.client(site.here) as asker, site.client(site.there) as other:
        made = await asker.conversations.CreateConversation(
            conversation_pb2.CreateConversationRequest(title="Launch"), metadata=asker.metadata
        )
        thread = made.conversation.conversation_id
        first = await _started(asker, "First, at length?", conversation_id=thread)
        await _until_event(other, first, "token_batch")
        second = await _started(
            other,
            "Second, at length?",
            conversation_id=thread,
            double_text=run_pb2.DOUBLE_TEXT_ROLLBACK,
        )
        replaced, answered = await asyncio.gather(_watched(other, first), _watched(other, second))
        messages = await other.conversations.ListMessages(
            conversation_pb2.ListMessagesRequest(conversation_id=thread), metadata=other.metadata
        )
    _whole(replaced)
    _whole(answered)
    assert replaced[-1].completed.cancel_reason == run_pb2.CANCEL_REASON_SUPERSEDED
    assert answered[-1].completed.reason == run_pb2.TERMINATION_REASON_COMPLETE
    assert "First, at length?" not in [message.content for message in messages.messages]


async def test_a_worker_is_woken_for_what_finds_no_place_and_its_runs_survive_it(
    site: Site,
) -> None:
    worker = await ObeliskProcess.work(site.folder, **site.settings)
    second = await ObeliskProcess.work(site.folder, **site.settings)
    async with site.client(site.here) as asker:
        runs = [await _started(asker) for _ in range(6)]
        await asyncio.gather(*(_until_event(asker, run, "token_batch") for run in runs))
        # The other server has room too, and may be quicker than both.
        while not await _held_by_workers(site):
            runs.append(await _started(asker))
            await _until_event(asker, runs[-1], "token_batch")
        watching = [asyncio.ensure_future(_watched(asker, run)) for run in runs]
        await worker.kill()
        assert await second.stop() == 0
        logs = await asyncio.gather(*watching)
    for events in logs:
        _whole(events)
        assert events[-1].completed.reason == run_pb2.TERMINATION_REASON_COMPLETE
    assert any([event.HasField("started") for event in events].count(True) > 1 for events in logs)
