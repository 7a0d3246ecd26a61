"""A server-streaming call, relayed message by message to one HTTP client.

A message is read only once the one before it is written, so a slow client slows its own stream and
nothing piles up here. A client that leaves cancels its call at once.
"""

import asyncio
import logging

import grpc
from google.protobuf.message import Message
from starlette.types import Receive

from entrypoints.rest.bodies import ClientGone
from entrypoints.rest.errors import HttpError, from_rpc
from entrypoints.rest.framing import Framing
from entrypoints.rest.limits import Limits
from entrypoints.rest.reply import Reply

logger = logging.getLogger(__name__)
StreamCall = grpc.aio.UnaryStreamCall[Message, Message]
ANTI_BUFFERING = {"x-accel-buffering": "no"}


class ClientStalled(Exception):
    """The client keeps its connection open and takes nothing."""


class StreamRelay:
    """Owns `call` and cancels it however the relay ends."""

    def __init__(self, call: StreamCall, framing: Framing, reply: Reply, limits: Limits) -> None:
        self._call = call
        self._framing = framing
        self._reply = reply
        self._limits = limits
        self._writing = False
        self._written = 0

    async def run(self, receive: Receive) -> None:
        """Relay to the end of the call; returns early when the client has left or stalls."""
        try:
            async with asyncio.TaskGroup() as tasks:
                guards = [
                    tasks.create_task(_until_gone(receive)),
                    tasks.create_task(self._beat()),
                ]
                await self._relay(tasks.create_task(self._next()))
                for guard in guards:
                    guard.cancel()
        except* ClientGone:
            pass
        except* ClientStalled:
            logger.info("let go of a client that takes nothing")
        finally:
            self._call.cancel()

    async def _relay(self, first: "asyncio.Task[Message | HttpError | None]") -> None:
        await asyncio.wait({first}, timeout=self._limits.silence_seconds)
        if not first.done():
            await self._open()
            await self._write(self._framing.heartbeat())
        item = await first
        if isinstance(item, HttpError) and not self._reply.started:
            await self._reply.error(item)
            return
        if not self._reply.started:
            await self._adopt_correlation_id()
            await self._open()
        while item is not None and not isinstance(item, HttpError):
            await self._write(self._framing.message(item))
            item = await self._next()
        last = self._framing.end() if item is None else self._framing.error(item)
        await self._reply.write(last, more=False)

    async def _next(self) -> Message | HttpError | None:
        """The next message, the error that ended the stream, or None at its normal end."""
        try:
            item = await self._call.read()
        except grpc.aio.AioRpcError as error:
            return from_rpc(error)
        return item if isinstance(item, Message) else None

    async def _open(self) -> None:
        await self._reply.start(200, self._framing.content_type, ANTI_BUFFERING)

    async def _adopt_correlation_id(self) -> None:
        self._reply.adopt(await self._call.initial_metadata())

    async def _write(self, piece: bytes) -> None:
        self._writing = True
        await self._reply.write(piece)
        self._writing = False
        self._written += 1

    async def _beat(self) -> None:
        stalled = 0
        while True:
            before = self._written
            await asyncio.sleep(self._limits.heartbeat_seconds)
            if self._writing:
                stalled = stalled + 1 if self._written == before else 0
                if stalled >= self._limits.stalled_beats:
                    raise ClientStalled
            elif self._reply.started and self._written == before:
                await self._write(self._framing.heartbeat())


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise ClientGone
