"""Pages and chunks a second by format, two processes reading, beside docling's own default.

Both sides read the same files in the same run, one after the other, with as many processes. Ours
also finds hidden text; chunks a second are those of reading and cutting together. On a machine that
others use, wall time is theirs as much as ours: then the processor time of a page decides.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import typer
from bench.ingest_files import Sample, samples
from rich.console import Console
from rich.table import Table

from adapters.docling import DoclingConverter
from domain.documents.chunking import Chunk, ChunkingPolicy, chunk_document
from domain.documents.media import media_type_of
from domain.documents.structure import DocumentStructure
from domain.errors import FailedPrecondition
from entrypoints.cli.terminal import log_to_terminal, run_async

# The goal, as the project states it: pages a second of text-native PDF on two cores.
PAGES_A_SECOND = 100.0
PROCESSES = 2
_MIB = 1024 * 1024
_PEER = Path(__file__).with_name("ingest_peer.py")
_CHARACTERS_A_TOKEN = 4
# Before the first measurement: more than this, and others use the processors too.
_QUIET_LOAD = 1.0
console = Console(highlight=False, width=120)


class TooSlow(FailedPrecondition):
    reason = "GOAL_MISSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one side took for a sample; the processor time is that of the reading processes."""

    pages: int
    seconds: float
    cpu_seconds: float
    memory_bytes: int
    chunks: int = 0
    cutting_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Medians of the rounds; `peer_*` are docling's."""

    files: str
    documents: int
    pages: int
    pages_a_second: float
    chunks_a_second: float
    cpu_ms_a_page: float
    memory_mib: int
    peer_pages_a_second: float
    peer_cpu_ms_a_page: float
    peer_memory_mib: int


def main(
    pages: Annotated[int, typer.Option(help="Pages of the long PDFs together")] = 320,
    rounds: Annotated[int, typer.Option(help="Each side reads each sample so often")] = 3,
) -> None:
    """Measure; fails when text-native PDFs are read more slowly than the goal."""
    log_to_terminal("ERROR")
    run_async(_measure(pages, rounds))


async def _measure(pages: int, rounds: int) -> None:
    begun, load = time.perf_counter(), os.getloadavg()[0]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="obelisk-bench-") as folder:
        for sample in await asyncio.to_thread(samples, Path(folder), pages):
            ours, peer = [], []
            for _ in range(rounds):
                ours.append(await _ours(sample))
                peer.append(await _peers(sample))
            rows.append(_row(sample, ours, peer))
            console.print(f"[dim]{sample.name}: {rows[-1].pages_a_second:.0f} pages/s[/dim]")
    by_cpu = load > _QUIET_LOAD
    reached = 1000 * PROCESSES / rows[0].cpu_ms_a_page if by_cpu else rows[0].pages_a_second
    _show(rows)
    summary = {
        "benchmark": "ingest",
        "rows": [asdict(row) for row in rows],
        "goal_pages_a_second": PAGES_A_SECOND,
        "reached_pages_a_second": round(reached, 1),
        "judged_by": "processor time" if by_cpu else "wall time",
        "processes": PROCESSES,
        "load_1m_before": round(load, 2),
        "elapsed_seconds": round(time.perf_counter() - begun, 1),
        "holds": reached >= PAGES_A_SECOND,
    }
    print(json.dumps(summary), flush=True)
    if reached < PAGES_A_SECOND:
        raise TooSlow(f"{reached:.0f} pages/s of PDF, where {PAGES_A_SECOND:.0f} are the goal")


async def _ours(sample: Sample) -> Taken:
    converter = DoclingConverter(processes=PROCESSES)
    await converter.start()
    try:
        held = [(path.name, path.read_bytes()) for path in sample.files]
        await _read(converter, min(held, key=lambda file: len(file[1])))
        before = _cpu_seconds(converter.child_pids)
        begun = time.perf_counter()
        read = await asyncio.gather(*(_read(converter, file) for file in held))
        seconds, begun = time.perf_counter() - begun, time.perf_counter()
        chunks = sum(len(_cut(structure)) for structure in read)
        return Taken(
            pages=sum(structure.page_count for structure in read),
            chunks=chunks,
            seconds=seconds,
            cutting_seconds=time.perf_counter() - begun,
            cpu_seconds=_cpu_seconds(converter.child_pids) - before,
            memory_bytes=max(_peak_bytes(pid) for pid in converter.child_pids),
        )
    finally:
        await converter.close()


async def _read(converter: DoclingConverter, file: tuple[str, bytes]) -> DocumentStructure:
    name, content = file
    return await converter.convert(
        filename=name, media_type=media_type_of(name, content), content=content
    )


def _cut(structure: DocumentStructure) -> tuple[Chunk, ...]:
    return chunk_document(
        structure,
        policy=ChunkingPolicy(),
        count_tokens=lambda text: len(text) // _CHARACTERS_A_TOKEN + 1,
    )


def _cpu_seconds(pids: Sequence[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(
        int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")
    )


async def _peers(sample: Sample) -> Taken:
    """docling's default in as many processes, each with its share of the files."""
    starts = range(min(PROCESSES, len(sample.files)))
    shares = [sample.files[start::PROCESSES] for start in starts]
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            str(_PEER),
            sample.suffix,
            *map(str, share),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        for share in shares
    ]
    for child in children:
        assert child.stdout is not None
        await child.stdout.readline()
    told = [
        json.loads(out)
        for out, _ in await asyncio.gather(*(child.communicate(b"go\n") for child in children))
    ]
    return Taken(
        pages=sum(told["pages"] for told in told),
        seconds=max(told["seconds"] for told in told),
        cpu_seconds=sum(told["cpu"] for told in told),
        memory_bytes=max(told["memory"] for told in told),
    )


def _row(sample: Sample, ours: Sequence[Taken], peer: Sequence[Taken]) -> Row:
    return Row(
        files=sample.name,
        documents=len(sample.files),
        pages=ours[0].pages,
        pages_a_second=round(median(taken.pages / taken.seconds for taken in ours), 1),
        chunks_a_second=round(
            median(taken.chunks / (taken.seconds + taken.cutting_seconds) for taken in ours), 1
        ),
        cpu_ms_a_page=round(median(1000 * taken.cpu_seconds / taken.pages for taken in ours), 1),
        memory_mib=max(taken.memory_bytes for taken in ours) // _MIB,
        peer_pages_a_second=round(median(taken.pages / taken.seconds for taken in peer), 1),
        peer_cpu_ms_a_page=round(
            median(1000 * taken.cpu_seconds / taken.pages for taken in peer), 1
        ),
        peer_memory_mib=max(taken.memory_bytes for taken in peer) // _MIB,
    )


def _show(rows: Sequence[Row]) -> None:
    table = Table(title=f"Reading with {PROCESSES} processes, beside docling's default")
    for name in ("files", "documents", "pages", "pages/s", "chunks/s", "CPU ms a page", "MiB"):
        table.add_column(name, justify="left" if name == "files" else "right")
    for name in ("docling pages/s", "CPU ms", "MiB"):
        table.add_column(name, justify="right", style="dim")
    for row in rows:
        name, *figures = asdict(row).values()
        table.add_row(name, *(str(figure) for figure in figures))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
