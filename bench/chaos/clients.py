"""The clients' side of the wire: a channel to each server, and what an error of theirs means."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import grpc
from bench.chaos.members import Member

from obelisk.v1 import conversation_pb2_grpc, run_pb2_grpc

# A server comes back within seconds: gRPC's own patience would grow to minutes.
_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
)
# What a client may meet, and try again after.
PASSING = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        # Of a deadline that the client itself set, while a server was being killed.
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)
Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One server, as clients reach it."""

    member: Member
    runs: "run_pb2_grpc.RunServiceAsyncStub"
    conversations: "conversation_pb2_grpc.ConversationServiceAsyncStub"


@dataclass(slots=True, kw_only=True)
class Clients:
    """`surprises` are answers that no fault explains."""

    doors: tuple[Door, ...]
    token: Callable[[], str]
    chance: Random
    surprises: list[str] = field(default_factory=list)

    def metadata(self, space: str) -> Metadata:
        return (("authorization", f"Bearer {self.token()}"), ("x-space-id", space))

    def door(self, *, but: Door | None = None) -> Door:
        """One at random: one that stands open if there is any, and another one than `but`."""
        open_ones = [door for door in self.doors if door.member.ready] or list(self.doors)
        others = [door for door in open_ones if door is not but]
        return self.chance.choice(others or open_ones)

    def forgive(self, error: grpc.aio.AioRpcError, what: str, door: Door | None = None) -> None:
        """Note an error that is not one of those that pass.

        gRPC's core cancels calls that come in the moment in which a server shuts down.
        """
        cancelled = error.code() is grpc.StatusCode.CANCELLED
        if door is not None and cancelled and not door.member.wanted:
            return
        if error.code() not in PASSING:
            self.surprises.append(f"{what}: {error.code().name}: {error.details()}")


@asynccontextmanager
async def clients(
    servers: list[Member], token: Callable[[], str], chance: Random
) -> AsyncGenerator[Clients]:
    """Channels to all of them."""
    async with AsyncExitStack() as stack:
        doors = []
        for member in servers:
            channel = grpc.aio.insecure_channel(member.target, options=_OPTIONS)
            await stack.enter_async_context(channel)
            doors.append(
                Door(
                    member=member,
                    runs=run_pb2_grpc.RunServiceStub(channel),
                    conversations=conversation_pb2_grpc.ConversationServiceStub(channel),
                )
            )
        yield Clients(doors=tuple(doors), token=token, chance=chance)
