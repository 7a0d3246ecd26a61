"""Many runs side by side, and what they took."""

import asyncio
import os
import resource
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.floor import Stream

from obelisk.client import ObeliskClient
from obelisk.v1 import run_pb2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run: seconds from the request sent; `events` is empty for the floor."""

    first_token: float
    whole: float
    size_bytes: int
    text_bytes: int
    events: tuple[run_pb2.RunEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """All runs of one setting; `cpu` counts this process alone, server and client together."""

    samples: tuple[Sample, ...]
    wall: float
    cpu: float


Ask = Callable[[str], Awaitable[Sample]]


def asks_obelisk(client: ObeliskClient, agent: str) -> Ask:
    """One run of the platform, from the request to its last event."""

    async def ask(question: str) -> Sample:
        begun = time.perf_counter()
        first = None
        events = []
        async for event in client.ask(agent, question):
            if first is None and event.HasField("token_batch"):
                first = time.perf_counter() - begun
            events.append(event)
        whole = time.perf_counter() - begun
        shown = [event.ByteSize() for event in events if event.HasField("token_batch")]
        return Sample(
            first_token=whole if first is None else first,
            whole=whole,
            size_bytes=sum(event.ByteSize() for event in events),
            text_bytes=sum(shown),
            events=tuple(events),
        )

    return ask


def asks_floor(stream: Stream) -> Ask:
    """One answer of the bare server."""

    async def ask(question: str) -> Sample:
        begun = time.perf_counter()
        first, size = None, 0
        async for message in stream(question):
            if first is None:
                first = time.perf_counter() - begun
            size += message.ByteSize()
        whole = time.perf_counter() - begun
        return Sample(
            first_token=whole if first is None else first,
            whole=whole,
            size_bytes=size,
            text_bytes=size,
        )

    return ask


async def batch(
    ask: Ask,
    questions: Sequence[str],
    concurrency: int,
    *,
    spread: float = 0.0,
    patience: float = float("inf"),
) -> Batch:
    """Ask every question, `concurrency` at a time; the first ones spread over `spread` seconds.

    After `patience` seconds nobody asks a second one: each of the askers has asked one by then.
    """
    waiting = iter(questions)
    wall, cpu = time.perf_counter(), _cpu_seconds()
    async with asyncio.TaskGroup() as group:
        askers = [
            group.create_task(
                _ask_all(ask, waiting, spread * number / concurrency, wall + patience)
            )
            for number in range(concurrency)
        ]
    samples = [sample for asker in askers for sample in asker.result()]
    return Batch(samples=tuple(samples), wall=time.perf_counter() - wall, cpu=_cpu_seconds() - cpu)


async def _ask_all(ask: Ask, waiting: Iterator[str], delay: float, until: float) -> list[Sample]:
    await asyncio.sleep(delay)
    samples: list[Sample] = []
    while not samples or time.perf_counter() < until:
        question = next(waiting, None)
        if question is None:
            break
        samples.append(await ask(question))
    return samples


def postgres_cpu_seconds(folder: Path) -> float:
    """CPU of the one PostgreSQL whose data lies in `folder`, with all of its processes."""
    (pid_file,) = folder.rglob("postmaster.pid")
    postmaster = int(pid_file.read_text().split()[0])
    return sum(
        own + (ended if pid == postmaster else 0.0)
        for pid, parent, own, ended in _processes()
        if postmaster in (pid, parent)
    )


def _processes() -> Iterator[tuple[int, int, float, float]]:
    """Of each process its id, its parent's, its CPU seconds and those of its ended children."""
    tick = os.sysconf("SC_CLK_TCK")
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        own, ended = (sum(map(int, fields[at : at + 2])) / tick for at in (11, 13))
        yield int(stat.parent.name), int(fields[1]), own, ended


def stages(samples: Iterable[Sample]) -> dict[str, list[float]]:
    """The seconds that each stage took, in all runs."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for sample in samples:
        for event in sample.events:
            if event.HasField("stage_timed"):
                timed = event.stage_timed
                found[timed.stage].append(timed.duration.ToMicroseconds() / 1e6)
    return dict(found)


def quantile(values: Iterable[float], share: float) -> float:
    """The nearest-rank quantile; `values` is not empty."""
    ordered = sorted(values)
    rank = -(-len(ordered) * share // 1)
    return ordered[max(0, int(rank) - 1)]


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
