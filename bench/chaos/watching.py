"""Watchers that are disconnected, lose their server, and go on from their cursor elsewhere."""

import asyncio
import time
from dataclasses import dataclass, field

import grpc
from bench.chaos.clients import Clients, Door
from bench.chaos.history import Sight, Story

from obelisk.v1 import run_pb2

_AGAIN_SECONDS = 0.1
Stream = (
    grpc.aio.UnaryStreamCall[run_pb2.WatchRunRequest, run_pb2.WatchRunResponse]
    | grpc.aio.UnaryStreamCall[run_pb2.StartRunRequest, run_pb2.StartRunResponse]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A stream that its server ended, when (monotonic), and which event would have come next."""

    server: str
    at: float
    following: int


@dataclass(slots=True, kw_only=True, eq=False)
class Watcher:
    """Follows one run to its end. `leave_after` counts down events to a disconnection."""

    clients: Clients
    story: Story
    sight: Sight
    door: Door | None = None
    leave_after: int | None = None
    left_at: float | None = None
    left: int = 0
    reconnects: list[float] = field(default_factory=list)
    heard: list[float] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    accepted: asyncio.Event = field(default_factory=asyncio.Event)
    paused: asyncio.Event = field(default_factory=asyncio.Event)

    async def to_the_end(self) -> None:
        """Watch, over whatever happens, until the last event came."""
        while not self.sight.has_ended:
            self.door = self.clients.door(but=self.door)
            request = run_pb2.WatchRunRequest(
                run_id=self.story.run_id, after_sequence=self.sight.cursor
            )
            metadata = self.clients.metadata(self.story.space_id)
            if not await self.take(self.door.runs.WatchRun(request, metadata=metadata)):
                await asyncio.sleep(_AGAIN_SECONDS)

        # Whoever waits for a pause need not wait any more.
        self.paused.set()

    async def take(self, stream: Stream) -> bool:
        """Whether something came before the stream ended, was left or broke."""
        before = len(self.sight.events)
        try:
            async for message in stream:
                if message.HasField("event") and self._heard(message.event):
                    break
        except grpc.aio.AioRpcError as error:
            self.clients.forgive(error, f"{self.story.tag}, {self.sight.name}", self.door)
            self._lost()
        finally:
            stream.cancel()
        return len(self.sight.events) > before

    def _lost(self) -> None:
        if self.door is not None:
            self.broken.append(
                Broken(
                    server=self.door.member.name,
                    at=time.monotonic(),
                    following=len(self.sight.events),
                )
            )

    def _heard(self, event: run_pb2.RunEvent) -> bool:
        """Keep the event; whether it is time to leave."""
        now = time.monotonic()
        if self.left_at is not None:
            self.reconnects.append(now - self.left_at)
            self.left_at = None
        self.sight.events.append(event)
        self.heard.append(now)
        if not self.story.run_id and event.HasField("queued"):
            self.story.run_id = event.queued.run_id
            self.accepted.set()
        if event.HasField("paused"):
            self.paused.set()
        if self.leave_after is None or event.HasField("completed"):
            return False
        self.leave_after -= 1
        if self.leave_after > 0:
            return False
        self.leave_after, self.left_at = None, now
        self.left += 1
        return True
