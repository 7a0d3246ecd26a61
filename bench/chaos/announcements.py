"""What stands between the processes and Redis: it forgets and delays announcements on request."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self
from urllib.parse import quote

from bench.chaos.resp import frames, is_message

_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    """`drop` is the share of announcements that are forgotten, `delay` seconds at most for each.

    Each is delayed by itself, so that later ones overtake it.
    """

    drop: float = 0.0
    delay: float = 0.0


class AnnouncementProxy:
    """A way to the Redis at `upstream`, through a socket of its own; replies pass untouched."""

    def __init__(self, place: Path, upstream: Path, chance: Random) -> None:
        self._place = place
        self._upstream = upstream
        self._chance = chance
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self.mood = Mood()
        self.dropped = 0
        self.delayed = 0

    @property
    def url(self) -> str:
        """A URL for redis-py."""
        return f"unix://{quote(str(self._place))}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, self._place)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for pump in self._pumps:
            pump.cancel()
        if self._pumps:
            await asyncio.wait(self._pumps)

    async def _serve(self, down: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError):
                up, out = await asyncio.open_unix_connection(self._upstream)
                await self._pass_on((down, back), (up, out))
        finally:
            self._pumps.discard(task)
            back.close()

    async def _pass_on(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Until either side has gone."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._up(client[0], server[1]))
                group.create_task(self._down(server[0], client[1]))
        except* OSError:
            pass
        finally:
            server[1].close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        buffer = bytearray()
        while piece := await reader.read(_PIECE_BYTES):
            buffer += piece
            for frame in frames(buffer):
                self._forward(frame, writer)
            await writer.drain()
        raise ConnectionResetError

    def _forward(self, frame: bytes, writer: asyncio.StreamWriter) -> None:
        if writer.is_closing():
            raise ConnectionResetError
        if not is_message(frame) or self.mood == Mood():
            writer.write(frame)
        elif self._chance.random() < self.mood.drop:
            self.dropped += 1
        elif self.mood.delay:
            self.delayed += 1
            seconds = self._chance.uniform(0, self.mood.delay)
            asyncio.get_running_loop().call_later(seconds, _write_late, frame, writer)
        else:
            writer.write(frame)


def _write_late(frame: bytes, writer: asyncio.StreamWriter) -> None:
    if not writer.is_closing():
        writer.write(frame)
