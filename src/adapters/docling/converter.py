"""The document converter with docling in child processes, where a hostile file fails alone."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.docling.allowance import RanOut
from adapters.docling.child_pool import ChildFile, ChildPool, PoolLimits
from adapters.docling.child_process import ChildDied, ChildLimits, ChildTask
from adapters.docling.layout_folder import checked_folder, is_extra_installed
from adapters.docling.wire import MalformedReply, structure_from_json
from application.ports.document_converter import PagesRead
from domain.documents.document import DocumentUnreadable
from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure, Picture

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

    Pictures of searches have a small child of their own, started by the first, and wait for no
    document. With `layout_models`, a folder, PDF pages that need it are read by docling's layout
    models.
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
        models = layout_models and checked_folder(layout_models, with_extra=is_extra_installed())
        limits = limits or (_WITH_LAYOUT if layout_models else DoclingLimits())
        self._documents = ChildPool(_of_documents(limits, models), processes)
        self._pictures = ChildPool(_of_pictures(), 1)

    @property
    def child_pids(self) -> tuple[int, ...]:
        """The processes that read, for whoever measures them."""
        return self._documents.pids + self._pictures.pids

    async def start(self) -> None:
        """Start and warm what reads documents, so that the first need not wait for the import."""
        await self._documents.start()

    async def close(self) -> None:
        """Stop all children; conversions under way end as DocumentUnreadable."""
        await self._documents.close()
        await self._pictures.close()

    async def convert(
        self,
        *,
        filename: str,
        media_type: MediaType,
        content: bytes,
        progress: PagesRead | None = None,
    ) -> DocumentStructure:
        header = {"filename": filename, "media_type": media_type.value}
        file = ChildFile(header=header, content=content, progress=progress)
        try:
            structure = await _told(self._documents, file)
        except DocumentUnreadable:
            # Not looked at, no picture can stop a child. One that is the whole file must be.
            if not file.looking or media_type.is_image:
                raise
            structure = await self._without_pictures(file)
        await file.read(structure.page_count, structure.page_count)
        return structure

    async def _without_pictures(self, file: ChildFile) -> DocumentStructure:
        header = {**file.header, "pictures": "no"}
        structure = await _told(self._documents, replace(file, header=header))
        warning = _TOO_HARD_PICTURES.format(place=file.looking)
        return replace(structure, warnings=(*structure.warnings, warning))

    async def small(self, content: bytes) -> bytes:
        read = await _told(self._pictures, ChildFile(header={}, content=content))
        shown = [block.image for block in read.blocks if isinstance(block, Picture)]
        return shown[0] if shown else b""


def _of_documents(limits: DoclingLimits, layout_models: Path | None) -> PoolLimits:
    return PoolLimits(
        child=ChildLimits(
            memory_bytes=limits.memory_bytes,
            cpu_seconds=limits.cpu_seconds,
            layout_models=layout_models,
        ),
        deadline_seconds=limits.deadline_seconds,
        start_seconds=limits.start_seconds,
        conversions_per_child=limits.conversions_per_child,
        resident_bytes=limits.resident_bytes,
    )


def _of_pictures() -> PoolLimits:
    """For one picture at a time, of a file of 2 MiB."""
    return PoolLimits(
        child=ChildLimits(memory_bytes=1_024 * _MIB, cpu_seconds=8, task=ChildTask.PICTURES),
        deadline_seconds=20.0,
        start_seconds=20.0,
        conversions_per_child=1_000,
        resident_bytes=256 * _MIB,
    )


async def _told(pool: ChildPool, file: ChildFile) -> DocumentStructure:
    """What a child makes of a file. Raises DocumentUnreadable, Unavailable."""
    try:
        reply = await pool.answer(file)
        # Long ones hold megabytes of pictures: others have the loop meanwhile.
        return await asyncio.to_thread(_structure, reply, file)
    except RanOut as error:
        raise DocumentUnreadable(_TOO_SLOW, field="content") from error
    except MalformedReply as error:
        raise DocumentUnreadable(_TOO_HARD, field="content") from error
    except ChildDied as death:
        reason = _TOO_SLOW if death.ran_out_of_cpu else _TOO_HARD
        raise DocumentUnreadable(reason, field="content") from death


def _structure(reply: dict[str, object], file: ChildFile) -> DocumentStructure:
    refused = reply.get("refused")
    if isinstance(refused, str):
        # It has answered: whatever is wrong, no picture has stopped it.
        file.looking = "" if reply.get("spent") is not True else file.looking
        raise DocumentUnreadable(refused, field="content")
    return structure_from_json(reply.get("structure"))


_TOO_SLOW = "reading the file took too long and was stopped; split it or save it in a simpler form"
_TOO_HARD = "the file could not be read: it is damaged, or needs too much memory; save it again"
_TOO_HARD_PICTURES = (
    "no picture of this file was looked at: {place}, or what comes after it, takes too much time "
    "or memory; make it smaller, or take it out"
)
