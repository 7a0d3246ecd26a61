"""Many watchers of few runs, from the client's side: what each was told, and how late."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import grpc

from obelisk.v1 import run_pb2, run_pb2_grpc

Metadata = tuple[tuple[str, str], ...]
_OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)


@dataclass(slots=True, eq=False)
class Seen:
    """What one watcher was told. `lags` are seconds from commit to receipt, of tokens alone."""

    run: str
    sequences: list[int] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    reconnects: int = 0
    ended: bool = False

    @property
    def last(self) -> int:
        return self.sequences[-1] if self.sequences else 0

    def take(self, event: run_pb2.RunEvent, at: float) -> None:
        """Note an event that came `at` seconds since the epoch."""
        self.sequences.append(event.sequence)
        self.ended = event.HasField("completed")
        if event.HasField("token_batch"):
            self.lags.append(at - event.create_time.ToNanoseconds() / 1e9)

    def lost(self) -> int:
        """How many events up to the last one never came."""
        return self.last - len({*self.sequences})

    def repeated(self) -> int:
        """How many came more than once, or out of order."""
        pairs = zip(self.sequences, self.sequences[1:], strict=False)
        return sum(later <= earlier for earlier, later in pairs)


@asynccontextmanager
async def connections(
    target: str, count: int
) -> AsyncGenerator[Sequence["run_pb2_grpc.RunServiceAsyncStub"]]:
    """So many connections to one server."""
    async with AsyncExitStack() as stack:
        stubs: list[run_pb2_grpc.RunServiceAsyncStub] = []
        for _ in range(count):
            channel = grpc.aio.insecure_channel(target, options=_OWN_CONNECTION)
            stubs.append(run_pb2_grpc.RunServiceStub(await stack.enter_async_context(channel)))
        yield stubs


async def start_run(
    stub: "run_pb2_grpc.RunServiceAsyncStub", metadata: Metadata, question: str
) -> str:
    """Start a run and leave it; its id."""
    request = run_pb2.StartRunRequest(agent="email", question=question)
    call = stub.StartRun(request, metadata=metadata)
    first = await call.read()
    call.cancel()
    if not isinstance(first, run_pb2.StartRunResponse):
        raise RuntimeError("the run did not start")
    return first.event.queued.run_id


async def watch(
    stub: "run_pb2_grpc.RunServiceAsyncStub",
    metadata: Metadata,
    seen: Seen,
    there: asyncio.Event,
    *,
    leaves_every: int | None,
) -> None:
    """Watch to the run's end; hang up and come again after about `leaves_every` events."""
    while not seen.ended:
        left = random.randint(1, 2 * leaves_every) if leaves_every else None
        request = run_pb2.WatchRunRequest(run_id=seen.run, after_sequence=seen.last)
        call = stub.WatchRun(request, metadata=metadata)
        while left is None or left > 0:
            told = await call.read()
            if not isinstance(told, run_pb2.WatchRunResponse):
                return
            if told.HasField("event"):
                seen.take(told.event, time.time())
                there.set()
                left = left - 1 if left is not None else None
        call.cancel()
        seen.reconnects += not seen.ended
