"""The document converter with docling in child processes, where a hostile file fails alone."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from adapters.docling.allowance import Allowance, RanOut
from adapters.docling.child_process import ChildDied, ChildLimits, ChildProcess
from adapters.docling.layout_folder import checked_folder, is_extra_installed
from adapters.docling.wire import MalformedReply, structure_from_json
from application.ports.document_converter import PagesRead
from application.unbroken import unbroken
from domain.documents.document import DocumentUnreadable
from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure, Picture
from domain.errors import Unavailable

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DoclingLimits:
    """What one file may use, and when a child has read enough.

    `cpu_seconds` is the processor time of one file, `deadline_seconds` its wall-clock time: far
    more of it, for a child gives way to others on a busy machine;
    `memory_bytes` address space; `start_seconds` is allowed once for a new child. A child is
    replaced after `conversions_per_child` files, or when it has grown beyond `resident_bytes`.
    """

    deadline_seconds: float = 300.0
    cpu_seconds: int = 45
    memory_bytes: int = 2_048 * _MIB
    start_seconds: float = 120.0
    conversions_per_child: int = 200
    resident_bytes: int = 512 * _MIB


# Importing torch takes 4 GiB of address space, and a page some ten seconds.
_WITH_LAYOUT = DoclingLimits(
    deadline_seconds=1_200.0,
    cpu_seconds=240,
    memory_bytes=12_288 * _MIB,
    start_seconds=300.0,
    resident_bytes=4_096 * _MIB,
)


class DoclingConverter:
    """A `DocumentConverter` over `processes` warm children, started when first needed.

    With `layout_models`, a folder, PDF pages that need it are read by docling's layout models.
    Raises InvalidInput when they are not there, or what runs them.
    """

    def __init__(
        self,
        *,
        limits: DoclingLimits | None = None,
        processes: int = 1,
        layout_models: Path | None = None,
    ) -> None:
        if processes < 1:
            raise ValueError("at least one process must read documents")
        self._layout_models = layout_models and checked_folder(
            layout_models, with_extra=is_extra_installed()
        )
        self._limits = limits or (_WITH_LAYOUT if layout_models else DoclingLimits())
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
        self,
        *,
        filename: str,
        media_type: MediaType,
        content: bytes,
        progress: PagesRead | None = None,
    ) -> DocumentStructure:
        header = {"filename": filename, "media_type": media_type.value}
        return await self._structure(_File(header=header, content=content, progress=progress))

    async def small(self, content: bytes) -> bytes:
        read = await self._structure(_File(header={"task": "picture"}, content=content))
        shown = [block.image for block in read.blocks if isinstance(block, Picture)]
        return shown[0] if shown else b""

    async def _structure(self, file: "_File") -> DocumentStructure:
        async with self._free:
            try:
                reply = await self._read(file)
                # Long ones hold megabytes of pictures: others have the loop meanwhile.
                structure = await asyncio.to_thread(_structure, reply)
            except RanOut as error:
                raise DocumentUnreadable(_TOO_SLOW, field="content") from error
            except MalformedReply as error:
                raise DocumentUnreadable(_TOO_HARD, field="content") from error
            except ChildDied as death:
                reason = _TOO_SLOW if death.ran_out_of_cpu else _TOO_HARD
                raise DocumentUnreadable(reason, field="content") from death
        await file.read(structure.page_count, structure.page_count)
        return structure

    async def _read(self, file: "_File") -> dict[str, object]:
        """Once more when the child was killed: that is seldom the file's doing, and never twice."""
        try:
            return await self._read_once(file)
        except ChildDied as death:
            if not death.was_killed:
                raise
            return await self._read_once(file)

    async def _read_once(self, file: "_File") -> dict[str, object]:
        child = await self._take()
        keep = False
        try:
            reply = await self._ask(child, file)
            keep = True
        finally:
            await self._give_back(child, keep=keep)
        return reply

    async def _ask(self, child: ChildProcess, file: "_File") -> dict[str, object]:
        await self._until_ready(child)
        allowance = Allowance(self._limits.deadline_seconds)
        async with allowance.waiting():
            await child.ask(file.header, file.content)
        while True:
            async with allowance.waiting():
                reply = await child.reply()
            if "done" not in reply:
                return reply
            await file.read(*_pages(reply))

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
        limits = ChildLimits(
            memory_bytes=self._limits.memory_bytes,
            cpu_seconds=self._limits.cpu_seconds,
            layout_models=self._layout_models,
        )
        child = await ChildProcess.spawn(limits)
        self._all.add(child)
        return child

    async def _drop(self, child: ChildProcess) -> None:
        self._all.discard(child)
        await child.kill()


@dataclass(slots=True, kw_only=True)
class _File:
    """A file on its way through a child, and how many of its pages are known to be read."""

    header: dict[str, str]
    content: bytes
    progress: PagesRead | None = None
    done: int = 0

    async def read(self, done: int, total: int) -> None:
        if self.progress and done > self.done:
            self.done = done
            await self.progress(done, total)


def _pages(reply: dict[str, object]) -> tuple[int, int]:
    match reply:
        case {"done": int(done), "total": int(total)} if 1 <= done <= total:
            return done, total
    raise MalformedReply("pages are counted from 1 up to their total")


def _structure(reply: dict[str, object]) -> DocumentStructure:
    refused = reply.get("refused")
    if isinstance(refused, str):
        raise DocumentUnreadable(refused, field="content")
    return structure_from_json(reply.get("structure"))


_TOO_SLOW = "reading the file took too long and was stopped; split it or save it in a simpler form"
_TOO_HARD = "the file could not be read: it is damaged, or needs too much memory; save it again"
