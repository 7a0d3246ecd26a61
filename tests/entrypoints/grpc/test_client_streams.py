"""The client's streams against a server that goes silent, breaks off, refuses, and comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar
from uuid import UUID

import grpc
import pytest

from application.runs.watchers import TooManyWatchers
from domain.errors import Unavailable
from domain.runs.run import RunNotFound
from entrypoints.grpc.interceptors.chain import Chain, Context
from entrypoints.grpc.interceptors.errors import translated
from obelisk.client import ObeliskClient, StreamSilent
from obelisk.v1 import run_pb2 as pb

RUN = "00000000-0000-7000-8000-000000000001"
SILENCE, SOON, LAST = 0.3, 30.0, 6
FULL = TooManyWatchers(1, of="space")
LOST = Unavailable("lost")
T = TypeVar("T", pb.StartRunResponse, pb.WatchRunResponse)
Then: TypeAlias = Literal["end", "silence", "beat"] | Exception


class Cut(Exception):
    """The server was stopped, and had no time left to say so."""


@dataclass(eq=False)
class ScriptedRuns:
    """Each stream plays the next part: so many events after its cursor, and then what it says.

    `asked` are the streams' cursors, `started` the requests for runs; `left` counts the streams
    that the client ended.
    """

    parts: list[tuple[int, Then]]
    asked: list[int] = field(default_factory=list)
    started: list[pb.StartRunRequest] = field(default_factory=list)
    left: int = 0

    async def StartRun(
        self, request: pb.StartRunRequest, context: Context
    ) -> AsyncIterator[pb.StartRunResponse]:
        self.started.append(request)
        async for event in self._play(0):
            yield _told(pb.StartRunResponse(), event)

    async def WatchRun(
        self, request: pb.WatchRunRequest, context: Context
    ) -> AsyncIterator[pb.WatchRunResponse]:
        try:
            async for event in self._play(request.after_sequence):
                yield _told(pb.WatchRunResponse(), event)
        except Cut:
            await context.abort(grpc.StatusCode.CANCELLED)

    async def _play(self, cursor: int) -> AsyncIterator[pb.RunEvent | None]:
        self.asked.append(cursor)
        count, then = self.parts.pop(0)
        try:
            for sequence in range(cursor + 1, min(cursor + count, LAST) + 1):
                yield _event(sequence)
            if then == "beat":
                for _ in range(6):
                    await asyncio.sleep(SILENCE / 2)
                    yield None
                yield _event(cursor + count + 1)
            if then == "silence":
                await asyncio.sleep(60)
        except (asyncio.CancelledError, GeneratorExit):
            # The second, where the call ends while an event is on its way.
            self.left += 1
            raise
        if isinstance(then, Exception):
            raise then

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve both streams."""
        make = grpc.unary_stream_rpc_method_handler
        start = make(
            self.StartRun, pb.StartRunRequest.FromString, pb.StartRunResponse.SerializeToString
        )
        watch = make(
            self.WatchRun, pb.WatchRunRequest.FromString, pb.WatchRunResponse.SerializeToString
        )
        handlers = {"StartRun": start, "WatchRun": watch}
        service = grpc.method_handlers_generic_handler("obelisk.v1.RunService", handlers)
        server.add_generic_rpc_handlers((service,))


def _told(message: T, event: pb.RunEvent | None) -> T:
    if event is None:
        message.heartbeat_time.GetCurrentTime()
    else:
        message.event.CopyFrom(event)
    return message


def _event(sequence: int) -> pb.RunEvent:
    if sequence == 1:
        return pb.RunEvent(sequence=1, queued=pb.RunQueued(run_id=RUN))
    if sequence == LAST:
        return pb.RunEvent(sequence=LAST, completed=pb.RunCompleted())
    return pb.RunEvent(sequence=sequence, token_batch=pb.TokenBatch(text="x"))


@asynccontextmanager
async def _served(
    *parts: tuple[int, Then], patience: float = SOON, silence: float = SILENCE
) -> AsyncIterator[tuple[ObeliskClient, ScriptedRuns]]:
    runs, server = ScriptedRuns([*parts]), grpc.aio.server(interceptors=[Chain([translated])])
    runs.add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    client = ObeliskClient(
        f"127.0.0.1:{port}", token="t", silence_seconds=silence, patience_seconds=patience
    )
    try:
        async with client, asyncio.timeout(SOON):
            yield client, runs
    finally:
        await server.stop(None)


async def _asked(client: ObeliskClient) -> list[int]:
    return [event.sequence async for event in client.ask("brand", "What do we sell?")]


async def _watched(client: ObeliskClient, after: int = 0) -> list[int]:
    return [event.sequence async for event in client.watch(RUN, after_sequence=after)]


@pytest.mark.parametrize("then", ["silence", LOST, FULL, Cut("cut")], ids=str)
async def test_a_watch_that_breaks_off_goes_on_where_it_was(then: Then) -> None:
    async with _served((2, then), (LAST, "end")) as (client, runs):
        seen = await _watched(client)
    assert seen == [1, 2, *range(3, LAST + 1)]
    assert runs.asked == [0, 2]


@pytest.mark.parametrize("then", ["silence", LOST, "end"], ids=str)
async def test_a_question_that_breaks_off_goes_on_as_a_watch(then: Then) -> None:
    async with _served((3, then), (LAST, "end")) as (client, runs):
        assert await _asked(client) == list(range(1, LAST + 1))
    assert runs.asked == [0, 3]


@pytest.mark.parametrize("then", [LOST, "silence"])
@pytest.mark.parametrize("own", ["", "00000000-0000-4000-8000-00000000000a"])
async def test_a_question_that_is_lost_before_its_first_event_is_asked_again_under_one_id(
    then: Then, own: str
) -> None:
    async with _served((0, then), (0, LOST), (3, LOST), (LAST, "end")) as (client, runs):
        told = [event.sequence async for event in client.ask("brand", "Now?", request_id=own)]
    assert told == list(range(1, LAST + 1))
    assert runs.asked == [0, 0, 0, 3]
    (request_id,) = {request.request_id for request in runs.started}
    assert request_id == own or (not own and UUID(request_id).version == 4)


async def test_a_question_says_what_becomes_of_the_answer_on_its_way() -> None:
    async with _served((LAST, "end")) as (client, runs):
        async for _ in client.ask("brand", "Now?", double_text=pb.DOUBLE_TEXT_INTERRUPT):
            pass
    assert [request.double_text for request in runs.started] == [pb.DOUBLE_TEXT_INTERRUPT]


async def test_a_question_that_nobody_hears_is_given_up() -> None:
    async with _served(*[(0, LOST)] * 9, patience=0.3) as (client, runs):
        with pytest.raises(grpc.aio.AioRpcError):
            await _asked(client)
    assert len({request.request_id for request in runs.started}) == 1 < len(runs.started)


async def test_a_watch_that_has_nothing_left_to_tell_ends() -> None:
    async with _served((0, "end")) as (client, runs):
        assert await _watched(client, LAST) == []
    assert runs.asked == [LAST]


async def test_heartbeats_keep_a_silent_stream_open_and_are_not_told() -> None:
    async with _served((LAST - 1, "beat"), (LAST - 1, "beat")) as (client, runs):
        assert await _asked(client) == list(range(1, LAST + 1))
        assert await _watched(client) == list(range(1, LAST + 1))
    assert runs.asked == [0, 0]


async def test_a_stream_that_says_nothing_is_ended_before_the_next_one_is_opened() -> None:
    async with _served((2, "silence"), (2, "silence"), (LAST, "end")) as (client, runs):
        assert await _watched(client) == list(range(1, LAST + 1))
        assert runs.left == 2


@pytest.mark.parametrize("refusal", [FULL, RunNotFound()], ids=str)
async def test_a_refusal_is_told_and_not_tried_again(refusal: Exception) -> None:
    async with _served((0, refusal)) as (client, runs):
        with pytest.raises(grpc.aio.AioRpcError):
            await _watched(client)
        assert runs.asked == [0]


@pytest.mark.parametrize(
    ("then", "error"), [(LOST, grpc.aio.AioRpcError), ("silence", StreamSilent)]
)
async def test_patience_ends(then: Then, error: type[Exception]) -> None:
    async with _served((2, LOST), *[(0, then)] * 50, patience=0.5) as (client, runs):
        with pytest.raises(error):
            await _watched(client)
    assert 2 < len(runs.asked) < 15, "and the waits between tries grow"


async def test_a_client_that_stops_listening_ends_its_call() -> None:
    # A client that lost patience meanwhile would call again.
    async with _served((3, "silence"), (3, "silence"), silence=SOON) as (client, runs):
        for events in (client.watch(RUN), client.ask("brand", "What do we sell?")):
            async with aclosing(events):
                await anext(events)
        while True:
            await asyncio.sleep(0.01)
            if runs.left == 2:
                return


@pytest.mark.parametrize("grace", [0.2, None])
async def test_a_server_that_stops_lets_the_stream_go_on_at_the_next(grace: float | None) -> None:
    runs, port = ScriptedRuns([(2, "silence")]), 0
    server = grpc.aio.server(interceptors=[Chain([translated])])
    runs.add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with ObeliskClient(f"127.0.0.1:{port}", token="t") as client, asyncio.timeout(SOON):
        events = client.watch(RUN)
        seen = [(await anext(events)).sequence, (await anext(events)).sequence]
        await server.stop(grace)
        again = grpc.aio.server(interceptors=[Chain([translated])])
        runs.parts.append((LAST, "end"))
        runs.add_to(again)
        again.add_insecure_port(f"127.0.0.1:{port}")
        await again.start()
        seen += [event.sequence async for event in events]
        await again.stop(None)
    assert seen == list(range(1, LAST + 1))


async def test_a_server_that_is_gone_for_a_while_is_waited_for() -> None:
    async with _served((2, LOST)) as (client, first):
        events = client.watch(RUN)
        seen = [(await anext(events)).sequence, (await anext(events)).sequence]
        first.parts += [(0, LOST)] * 3 + [(LAST, "end")]
        seen += [event.sequence async for event in events]
    assert seen == list(range(1, LAST + 1))
