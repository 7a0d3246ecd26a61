"""Warm children that answer one file after another, each in the limits of its kind."""

import asyncio
from dataclasses import dataclass

from adapters.docling.allowance import Allowance, RanOut
from adapters.docling.child_process import ChildDied, ChildLimits, ChildProcess
from adapters.docling.wire import MalformedReply
from application.ports.document_converter import PagesRead
from application.unbroken import unbroken
from domain.documents.document import DocumentUnreadable
from domain.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """`deadline_seconds` is the wall-clock time of one file, `start_seconds` allowed once for a new
    child. A child is replaced after `conversions_per_child` files, or when it has grown beyond
    `resident_bytes`."""

    child: ChildLimits
    deadline_seconds: float
    start_seconds: float
    conversions_per_child: int
    resident_bytes: int


@dataclass(slots=True, kw_only=True)
class ChildFile:
    """A file on its way through a child: how many of its pages are known to be read, and which of
    its pictures was looked at last."""

    header: dict[str, str]
    content: bytes
    progress: PagesRead | None = None
    done: int = 0
    looking: str = ""

    async def read(self, done: int, total: int) -> None:
        if self.progress and done > self.done:
            self.done = done
            await self.progress(done, total)


class ChildPool:
    """At most `processes` children, each started when it is first needed, or by `start`."""

    def __init__(self, limits: PoolLimits, processes: int) -> None:
        self._limits = limits
        self._processes = processes
        self._free = asyncio.Semaphore(processes)
        self._idle: list[ChildProcess] = []
        self._all: set[ChildProcess] = set()
        self._closed = False

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(child.pid for child in self._all if child.is_alive)

    async def start(self) -> None:
        for _ in range(self._processes - len(self._all)):
            self._idle.append(await self._spawn())
        async with asyncio.timeout(self._limits.start_seconds):
            for child in list(self._idle):
                await child.ready()

    async def close(self) -> None:
        """Stop all children; whoever waits for one gets ChildDied."""
        self._closed = True
        children, self._all, self._idle = list(self._all), set(), []
        for child in children:
            await child.kill()

    async def answer(self, file: ChildFile) -> dict[str, object]:
        """What a child says of the file, once one has room for it.

        Raises RanOut, ChildDied, MalformedReply, Unavailable, and what `file.progress` does.
        """
        async with self._free:
            return await self._read(file)

    async def _read(self, file: ChildFile) -> dict[str, object]:
        """Once more when the child was killed: that is seldom the file's doing, and never twice."""
        try:
            return await self._read_once(file)
        except ChildDied as death:
            if not death.was_killed:
                raise
            return await self._read_once(file)

    async def _read_once(self, file: ChildFile) -> dict[str, object]:
        child = await self._take()
        keep = False
        try:
            reply = await self._ask(child, file)
            keep = True
        finally:
            await self._give_back(child, keep=keep)
        return reply

    async def _ask(self, child: ChildProcess, file: ChildFile) -> dict[str, object]:
        await self._until_ready(child)
        allowance = Allowance(self._limits.deadline_seconds)
        async with allowance.waiting():
            await child.ask(file.header, file.content)
        while True:
            async with allowance.waiting():
                reply = await child.reply()
            match reply:
                case {"looking": str(place)}:
                    file.looking = place
                case {"done": _}:
                    await file.read(*_pages(reply))
                case _:
                    return reply

    async def _until_ready(self, child: ChildProcess) -> None:
        try:
            async with Allowance(self._limits.start_seconds).waiting():
                await child.ready()
        except RanOut as error:
            raise Unavailable("this machine is too busy to read documents now") from error

    async def _take(self) -> ChildProcess:
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                return child
            await self._drop(child)
        return await self._spawn()

    async def _give_back(self, child: ChildProcess, *, keep: bool) -> None:
        worn_out = (
            child.spent
            or child.answered >= self._limits.conversions_per_child
            or child.resident_bytes > self._limits.resident_bytes
        )
        if keep and child.is_alive and not worn_out and not self._closed:
            self._idle.append(child)
            return
        await self._drop(child)
        if not self._closed and len(self._all) < self._processes:
            self._idle.append(await self._spawn())

    async def _spawn(self) -> ChildProcess:
        if self._closed:
            raise DocumentUnreadable("documents cannot be read while the service is stopping")
        # A cancellation waits until the child is known here: `close` stops those that are.
        return await unbroken(self._spawn_known())

    async def _spawn_known(self) -> ChildProcess:
        child = await ChildProcess.spawn(self._limits.child)
        self._all.add(child)
        return child

    async def _drop(self, child: ChildProcess) -> None:
        self._all.discard(child)
        await child.kill()


def _pages(reply: dict[str, object]) -> tuple[int, int]:
    match reply:
        case {"done": int(done), "total": int(total)} if 1 <= done <= total:
            return done, total
    raise MalformedReply("pages are counted from 1 up to their total")
