"""The document converter with docling in child processes, where a hostile file fails alone."""

import asyncio
from dataclasses import dataclass

from adapters.docling.child_process import ChildDied, ChildLimits, ChildProcess
from adapters.docling.wire import MalformedReply, structure_from_json
from application.unbroken import unbroken
from domain.documents.document import DocumentUnreadable
from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DoclingLimits:
    """What one file may use, and when a child has read enough.

    `deadline_seconds` is wall-clock time for one file, `cpu_seconds` its processor time,
    `memory_bytes` address space; `start_seconds` is allowed once for a new child. A child is
    replaced after `conversions_per_child` files, or when it has grown beyond `resident_bytes`.
    """

    deadline_seconds: float = 60.0
    cpu_seconds: int = 45
    memory_bytes: int = 2_048 * _MIB
    start_seconds: float = 120.0
    conversions_per_child: int = 200
    resident_bytes: int = 512 * _MIB


class DoclingConverter:
    """A `DocumentConverter` over `processes` warm children, started when first needed."""

    def __init__(self, *, limits: DoclingLimits | None = None, processes: int = 1) -> None:
        if processes < 1:
            raise ValueError("at least one process must read documents")
        self._limits = limits or DoclingLimits()
        self._processes = processes
        self._free = asyncio.Semaphore(processes)
        self._idle: list[ChildProcess] = []
        self._all: set[ChildProcess] = set()
        self._closed = False

    @property
    def child_pids(self) -> tuple[int, ...]:
        """The processes that read, for whoever measures them."""
        return tuple(child.pid for child in self._all if child.is_alive)

    async def start(self) -> None:
        """Start and warm all children, so that the first file need not wait for the import."""
        for _ in range(self._processes - len(self._all)):
            self._idle.append(await self._spawn())
        async with asyncio.timeout(self._limits.start_seconds):
            for child in list(self._idle):
                await child.ready()

    async def close(self) -> None:
        """Stop all children; conversions under way end as DocumentUnreadable."""
        self._closed = True
        children, self._all, self._idle = list(self._all), set(), []
        for child in children:
            await child.kill()

    async def convert(
        self, *, filename: str, media_type: MediaType, content: bytes
    ) -> DocumentStructure:
        async with self._free:
            child = await self._take()
            keep = False
            try:
                reply = await self._ask(child, filename, media_type, content)
                keep = True
            except TimeoutError as error:
                raise DocumentUnreadable(_TOO_SLOW, field="content") from error
            except ChildDied as death:
                reason = _TOO_SLOW if death.ran_out_of_cpu else _TOO_HARD
                raise DocumentUnreadable(reason, field="content") from death
            finally:
                await self._give_back(child, keep=keep)
        return _structure(reply)

    async def _ask(
        self, child: ChildProcess, filename: str, media_type: MediaType, content: bytes
    ) -> dict[str, object]:
        header = {"filename": filename, "media_type": media_type.value}
        async with asyncio.timeout(self._limits.start_seconds):
            await child.ready()
        async with asyncio.timeout(self._limits.deadline_seconds):
            return await child.ask(header, content)

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
        limits = ChildLimits(
            memory_bytes=self._limits.memory_bytes, cpu_seconds=self._limits.cpu_seconds
        )
        child = await ChildProcess.spawn(limits)
        self._all.add(child)
        return child

    async def _drop(self, child: ChildProcess) -> None:
        self._all.discard(child)
        await child.kill()


def _structure(reply: dict[str, object]) -> DocumentStructure:
    refused = reply.get("refused")
    if isinstance(refused, str):
        raise DocumentUnreadable(refused, field="content")
    try:
        return structure_from_json(reply.get("structure"))
    except MalformedReply as error:
        raise DocumentUnreadable(_TOO_HARD, field="content") from error


_TOO_SLOW = "reading the file took too long and was stopped; split it or save it in a simpler form"
_TOO_HARD = "the file could not be read: it is damaged, or needs too much memory; save it again"
