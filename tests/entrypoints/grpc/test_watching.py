"""Streams of runs over real sockets: silence, slow readers, places, cursors that lead nowhere."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import asyncpg
import grpc
import httpx
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # no py.typed
from grpc_status import rpc_status

from domain.identifiers import RunId, SpaceId
from domain.runs.event import EventKind, StageTimed, TokenBatch
from fixtures.hosted import Hosted, hosted
from fixtures.making import new_id
from fixtures.postgres import Database, PostgresServer
from obelisk.client import ObeliskClient
from obelisk.v1 import run_pb2, run_pb2_grpc, tenancy_pb2

PLACES, POOL, BEAT, SOON = 45, 4, 0.2, 30.0
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
Watch: TypeAlias = "grpc.aio.UnaryStreamCall[run_pb2.WatchRunRequest, run_pb2.WatchRunResponse]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A server with few database connections, and a run at work there that says nothing more."""

    server: Hosted
    database: Database
    client: ObeliskClient
    space_id: SpaceId
    run_id: RunId
    silent_at: int

    @property
    def url(self) -> str:
        return f"{self.server.addresses.rest}/v1/runs/{self.run_id}:watch"

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.client.metadata)

    def watch(
        self,
        channel: grpc.aio.Channel | None = None,
        *,
        after: int = 0,
        timeout: float | None = None,
    ) -> Watch:
        """A bare stream; nothing of it is read yet."""
        stub: run_pb2_grpc.RunServiceAsyncStub = (
            run_pb2_grpc.RunServiceStub(channel) if channel else self.client.runs
        )
        request = run_pb2.WatchRunRequest(run_id=str(self.run_id), after_sequence=after)
        return stub.WatchRun(request, metadata=self.client.metadata, timeout=timeout)

    async def write(self, *kinds: EventKind) -> int:
        """Commit and announce events of the run, as its writer would; the last sequence."""
        container, key = self.server.container, (self.space_id, self.run_id)
        fence = (await container.runs().get(*key)).fence
        events = await container.event_log().append(*key, fence, kinds)
        await container.fan_out().publish(*key, events)
        return events[-1].sequence

    async def until_taken(self, places: int) -> None:
        """Return when so many watch, as the server has it; raises TimeoutError."""
        async with asyncio.timeout(SOON):
            while True:
                if self.server.container.watch_run().watchers.count == places:
                    return
                await asyncio.sleep(0.01)


@pytest_asyncio.fixture(scope="module")
async def served(
    postgres_server: PostgresServer, valkey_url: str
) -> AsyncIterator[tuple[Hosted, Database]]:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(postgres_server.database())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        changed = {
            "database_pool_size": POOL,
            "watchers_per_space": PLACES,
            "heartbeat_seconds": BEAT,
        }
        server = await stack.enter_async_context(
            hosted(database, folder, valkey_url, "Bags.", changed=changed)
        )
        yield server, database


@pytest_asyncio.fixture
async def line(served: tuple[Hosted, Database]) -> AsyncIterator[Line]:
    server, database = served
    email = f"{new_id()}@example.com"
    await server.person(email, "Olga")
    async with server.client(email) as client:
        await _enter_a_space(client)
        server.model.free.clear()
        call = client.runs.StartRun(
            run_pb2.StartRunRequest(agent="brand", question="What do we sell?"),
            metadata=client.metadata,
        )
        first, last = await _until_silent(call)
        call.cancel()
        made = Line(
            server=server,
            database=database,
            client=client,
            space_id=SpaceId(UUID(client.space_id)),
            run_id=RunId(UUID(first.queued.run_id)),
            silent_at=last,
        )
        await made.until_taken(0)
        yield made
        server.model.free.set()


async def _enter_a_space(client: ObeliskClient) -> None:
    made = await client.tenancy.CreateOrganization(
        tenancy_pb2.CreateOrganizationRequest(display_name="Nordlys"), metadata=client.metadata
    )
    home = made.organization.organization_id
    space = await client.tenancy.CreateSpace(
        tenancy_pb2.CreateSpaceRequest(organization_id=home, display_name="Brand"),
        metadata=client.metadata,
    )
    client.space_id = space.space.space_id


async def _until_silent(
    call: "grpc.aio.UnaryStreamCall[run_pb2.StartRunRequest, run_pb2.StartRunResponse]",
) -> tuple[run_pb2.RunEvent, int]:
    """The first event, and the last one before a silence: StartRun has heartbeats too."""
    events: list[run_pb2.RunEvent] = []
    beats = 0
    async with asyncio.timeout(SOON):
        while beats < 2:
            told = await call.read()
            assert isinstance(told, run_pb2.StartRunResponse)
            beats = 0 if told.HasField("event") else beats + 1
            events += [told.event] if told.HasField("event") else []
    return events[0], events[-1].sequence


async def _event(call: Watch) -> run_pb2.RunEvent:
    """The next event, past heartbeats."""
    async with asyncio.timeout(SOON):
        while True:
            told = await call.read()
            assert isinstance(told, run_pb2.WatchRunResponse)
            if told.HasField("event"):
                return told.event


async def _refusal(call: Watch) -> tuple[grpc.StatusCode, str, bool]:
    """The status, the reason, and whether it says when to come again."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        async with asyncio.timeout(SOON):
            await call.read()
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    status = rpc_status.from_call(refused.value)  # type: ignore[arg-type]  # stubs know sync calls
    assert status is not None
    assert status.details[0].Unpack(info)
    return refused.value.code(), info.reason, any(d.Unpack(retry) for d in status.details)


async def test_a_silent_stream_says_that_it_is_alive(line: Line) -> None:
    call = line.watch(after=line.silent_at)
    begun = time.monotonic()
    async with asyncio.timeout(SOON):
        beats = [await call.read() for _ in range(3)]
    call.cancel()
    assert time.monotonic() - begun >= 3 * BEAT * 0.9
    for beat in beats:
        assert isinstance(beat, run_pb2.WatchRunResponse)
        assert not beat.HasField("event")
        assert abs(beat.heartbeat_time.ToNanoseconds() / 1e9 - time.time()) < 60
    assert await line.write(StageTimed(stage="x", seconds=1)) == line.silent_at + 1, "none is kept"


async def test_the_client_hears_events_and_no_heartbeats(line: Line) -> None:
    async def end() -> None:
        await asyncio.sleep(3 * BEAT)
        line.server.model.free.set()

    async with asyncio.timeout(SOON), asyncio.TaskGroup() as group:
        group.create_task(end())
        events = [event async for event in line.client.watch(str(line.run_id))]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert events[-1].HasField("completed")


async def test_a_heartbeat_is_a_comment_of_the_event_stream(line: Line) -> None:
    async with httpx.AsyncClient() as web, asyncio.timeout(SOON):
        after = {"last-event-id": str(line.silent_at)}
        async with web.stream("GET", line.url, headers={**line.headers, **after}) as answer:
            text = ""
            async for piece in answer.aiter_text():
                text += piece
                if text.count("heartbeat") == 2:
                    await line.write(StageTimed(stage="x", seconds=1))
                if "stage_timed" in text and text.endswith("\n\n"):
                    break
    assert text.startswith(": heartbeat\n\n: heartbeat\n\n")
    assert text.count("id: ") == 1
    assert f"id: {line.silent_at + 1}\nevent: stage_timed\n" in text


async def test_a_heartbeat_is_a_line_of_its_own_in_json_lines(line: Line) -> None:
    headers = {**line.headers, "accept": "application/x-ndjson"}
    url = f"{line.url}?after_sequence={line.silent_at}"
    async with (
        asyncio.timeout(SOON),
        httpx.AsyncClient() as web,
        web.stream("GET", url, headers=headers) as answer,
    ):
        async for text in answer.aiter_lines():
            if text.strip():
                beat = json.loads(text)
                break
    assert list(beat["result"]) == ["heartbeatTime"]


async def test_a_cursor_beyond_the_end_is_out_of_range_at_every_door(line: Line) -> None:
    assert (await _refusal(line.watch(after=line.silent_at + 1)))[:2] == (
        grpc.StatusCode.OUT_OF_RANGE,
        "CURSOR_BEYOND_END",
    )
    async with httpx.AsyncClient() as web:
        beyond = str(line.silent_at + 1)
        for url, last in ((line.url, beyond), (f"{line.url}?after_sequence={beyond}", "")):
            answer = await web.get(url, headers={**line.headers, "last-event-id": last})
            error = answer.json()["error"]
            assert (answer.status_code, error["status"]) == (400, "OUT_OF_RANGE")
            assert error["details"][0]["reason"] == "CURSOR_BEYOND_END"


async def test_events_that_are_kept_no_more_are_said_to_be_gone(line: Line) -> None:
    owner = await asyncpg.connect(line.database.superuser_dsn)
    await owner.execute("delete from obelisk.run_events where run_id = $1", line.run_id)
    await owner.close()
    assert (await _refusal(line.watch()))[:2] == (grpc.StatusCode.OUT_OF_RANGE, "EVENTS_EXPIRED")
    async with httpx.AsyncClient() as web:
        answer = await web.get(line.url, headers={**line.headers, "last-event-id": "1"})
        assert answer.json()["error"]["details"][0]["reason"] == "EVENTS_EXPIRED"
    call = line.watch(after=line.silent_at)
    assert isinstance(await call.read(), run_pb2.WatchRunResponse), "at its end nothing is missing"
    call.cancel()


async def test_a_full_space_is_told_so_and_has_room_when_somebody_leaves(line: Line) -> None:
    calls = [line.watch() for _ in range(PLACES)]
    await asyncio.gather(*(_event(call) for call in calls))
    refused = await _refusal(line.watch())
    assert refused == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_WATCHERS", True)
    async with httpx.AsyncClient() as web:
        answer = await web.get(line.url, headers=line.headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    started = line.client.runs.StartRun(
        run_pb2.StartRunRequest(agent="brand", question="And else?"), metadata=line.client.metadata
    )
    with pytest.raises(grpc.aio.AioRpcError):
        await started.read()
    listed = await line.client.runs.ListRuns(
        run_pb2.ListRunsRequest(), metadata=line.client.metadata
    )
    assert len(listed.runs) == 1, "a run that nobody could watch was not accepted"
    calls[0].cancel()
    await line.until_taken(PLACES - 1)
    await _event(line.watch())
    for call in calls:
        call.cancel()


@contextmanager
def _raw_request(line: Line) -> Iterator[bytes]:
    head = f"GET /v1/runs/{line.run_id}:watch HTTP/1.1\r\nhost: x\r\n"
    yield (head + "".join(f"{k}: {v}\r\n" for k, v in line.headers.items()) + "\r\n").encode()


@pytest.mark.parametrize("how", ["cancel", "hang up", "hang up unread", "deadline"])
async def test_a_place_is_freed_however_its_client_leaves(line: Line, how: str) -> None:
    await line.write(*[TokenBatch(text="x" * 10_000) for _ in range(300)])
    target = line.server.addresses.grpc
    async with grpc.aio.insecure_channel(target, options=OWN_CONNECTION) as channel:
        timeout = 1.0 if how == "deadline" else None
        calls = [line.watch(channel, timeout=timeout) for _ in range(5)]
        await asyncio.gather(*(_event(call) for call in calls))
        await line.until_taken(5)
        if how == "hang up":
            await asyncio.gather(*(_read_to(call, line.silent_at + 300) for call in calls))
        if how == "cancel":
            for call in calls:
                call.cancel()
        if how.startswith("hang up"):
            await channel.close(None)
        await line.until_taken(0)


@pytest.mark.parametrize("reads", [True, False])
async def test_a_web_client_that_leaves_frees_its_place(line: Line, *, reads: bool) -> None:
    await line.write(*[TokenBatch(text="x" * 10_000) for _ in range(300)])
    host, port = line.server.addresses.rest.removeprefix("http://").split(":")
    with _raw_request(line) as request:
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(request)
        assert await reader.read(100)
        await line.until_taken(1)
        while reads and b"heartbeat" not in await reader.read(65_536):
            pass
        writer.transport.abort()
    await line.until_taken(0)


async def _read_to(call: Watch, last: int) -> list[int]:
    """The sequences from here to `last`."""
    seen: list[int] = []
    while not seen or seen[-1] < last:
        seen.append((await _event(call)).sequence)
    return seen


async def test_slow_readers_hold_no_database_connection(line: Line) -> None:
    """Forty of them, and a pool of four."""
    target = line.server.addresses.grpc
    async with AsyncExitStack() as stack:
        calls = []
        for _ in range(40):
            channel = grpc.aio.insecure_channel(target, options=OWN_CONNECTION)
            calls.append(line.watch(await stack.enter_async_context(channel)))
        firsts = await asyncio.gather(*(_event(call) for call in calls))
        last = await line.write(*[TokenBatch(text="x" * 10_000) for _ in range(400)])
        await line.until_taken(40)
        assert await _until_idle(line.database)
        request = run_pb2.GetRunRequest(run_id=str(line.run_id))
        async with asyncio.timeout(SOON):
            for _ in range(20):
                await line.client.runs.GetRun(request, metadata=line.client.metadata)
        async with asyncio.timeout(60):
            seen = await asyncio.gather(*(_read_to(call, last) for call in calls))
    assert [event.sequence for event in firsts] == [1] * 40
    assert seen == [list(range(2, last + 1))] * 40


async def _until_idle(database: Database) -> bool:
    """Whether there is a moment, soon, in which no connection of the server's has work."""
    owner = await asyncpg.connect(database.superuser_dsn)
    try:
        for _ in range(100):
            busy = await owner.fetchval(
                "select count(*) from pg_stat_activity where datname = $1"
                " and application_name = 'obelisk' and state <> 'idle'",
                database.name,
            )
            if not busy:
                return True
            await asyncio.sleep(0.01)
        return False
    finally:
        await owner.close()
