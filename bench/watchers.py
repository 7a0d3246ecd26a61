"""Watchers: many for each run, on one server process, and what they cost.

The server is a process of its own, with everything on; the watchers are in this one. Some hang up
in the middle, again and again, and go on after the last event that they saw.
"""

import asyncio
import json
import os
import platform as machine
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import typer
from bench.children import Child, child
from bench.measuring import quantile
from bench.watched import Metadata, Seen, connections, start_run, watch
from rich.table import Table

from domain.errors import FailedPrecondition
from entrypoints.cli.terminal import console, log_to_terminal, run_async
from obelisk.v1 import run_pb2_grpc

_CONNECTIONS = 20
_SETTLE_SECONDS = 1.0
_PATIENCE_SECONDS = 120.0
_LEAVES_EVERY = 20


class WatchBroken(FailedPrecondition):
    reason = "WATCH_BROKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Lag from commit to receipt, of token events; memory is the server's, without Postgres."""

    watchers: int
    runs: int
    events_per_second_a_run: float
    messages_per_second: int
    lag_ms_p50: float
    lag_ms_p95: float
    lag_ms_p99: float
    lag_ms_max: float
    attach_seconds: float
    resident_mb_before: float
    resident_mb_watched: float
    resident_mb_after: float
    kb_a_watcher: float
    server_cpu_percent: float
    client_cpu_percent: float
    server_cpu_us_a_message: float
    reconnects: int
    events: int
    lost: int
    repeated: int
    unended: int


def main(
    watchers: Annotated[int, typer.Option(help="Streams open at once.", min=1)] = 1_000,
    runs: Annotated[int, typer.Option(help="Runs that they watch.", min=1)] = 50,
    rates: Annotated[str, typer.Option(help="Token events a second of each run.")] = "2,5,10",
    seconds: Annotated[float, typer.Option(help="How long the runs speak.", min=2)] = 15,
    leaving: Annotated[float, typer.Option(help="Share that hangs up.", min=0, max=1)] = 0.05,
) -> None:
    """Measure; fails when an event is lost or repeated, or a watch does not end."""
    log_to_terminal("ERROR")
    run_async(_watchers(watchers, runs, [float(r) for r in rates.split(",")], seconds, leaving))


async def _watchers(
    watchers: int, runs: int, rates: Sequence[float], seconds: float, leaving: float
) -> None:
    begun, lines = time.perf_counter(), []
    for rate in rates:
        console.print(f"[dim]{watchers} watchers of {runs} runs, {rate:g} events a second[/]")
        with tempfile.TemporaryDirectory(prefix="obelisk-bench-") as folder:
            # An answer is written in two calls of the model.
            tokens = str(max(1, round(rate * seconds / 2)))
            async with child("bench.peers.watched_server", folder, str(rate), tokens) as server:
                lines.append(await _line(server, watchers, runs, rate, leaving))
    _show(lines)
    broken = [line for line in lines if line.lost or line.repeated or line.unended]
    print(json.dumps(_summary(lines, begun, holds=not broken)), flush=True)
    if broken:
        raise WatchBroken("events were lost or repeated, or a watch did not end")


async def _line(server: Child, watchers: int, runs: int, rate: float, leaving: float) -> Line:
    headers = (
        ("authorization", f"Bearer {server.said['token']}"),
        ("x-space-id", server.said["space"]),
    )
    async with connections(server.said["grpc"], _CONNECTIONS) as stubs:
        ids = [await start_run(stubs[0], headers, f"What do we sell ({n})?") for n in range(runs)]
        await asyncio.sleep(_SETTLE_SECONDS)
        before, attach = server.resident_bytes(), time.perf_counter()
        seen = [Seen(ids[place % runs]) for place in range(watchers)]
        async with asyncio.timeout(_PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            there = _watch_all(group, stubs, headers, seen, leaving)
            for each in there:
                await each.wait()
            attach = time.perf_counter() - attach
            await asyncio.sleep(_SETTLE_SECONDS)
            watched, cpu = server.resident_bytes(), (server.cpu_seconds(), time.process_time())
            wall = time.perf_counter()
            os.kill(server.pid, signal.SIGUSR1)
        wall = time.perf_counter() - wall
        used = server.cpu_seconds() - cpu[0], time.process_time() - cpu[1]
        lags = [lag * 1000 for each in seen for lag in each.lags]
        return Line(
            watchers=watchers,
            runs=runs,
            events_per_second_a_run=rate,
            messages_per_second=round(len(lags) / wall),
            lag_ms_p50=round(quantile(lags, 0.5), 1),
            lag_ms_p95=round(quantile(lags, 0.95), 1),
            lag_ms_p99=round(quantile(lags, 0.99), 1),
            lag_ms_max=round(max(lags), 1),
            attach_seconds=round(attach, 2),
            resident_mb_before=round(before / 1e6, 1),
            resident_mb_watched=round(watched / 1e6, 1),
            resident_mb_after=round(server.resident_bytes() / 1e6, 1),
            kb_a_watcher=round((watched - before) / 1e3 / watchers, 1),
            server_cpu_percent=round(used[0] / wall * 100),
            client_cpu_percent=round(used[1] / wall * 100),
            server_cpu_us_a_message=round(used[0] * 1e6 / max(1, len(lags)), 1),
            reconnects=sum(each.reconnects for each in seen),
            events=sum(len(each.sequences) for each in seen),
            lost=sum(each.lost() for each in seen) + _missing(seen),
            repeated=sum(each.repeated() for each in seen),
            unended=sum(not each.ended for each in seen),
        )


def _watch_all(
    group: asyncio.TaskGroup,
    stubs: Sequence["run_pb2_grpc.RunServiceAsyncStub"],
    headers: Metadata,
    seen: Sequence[Seen],
    leaving: float,
) -> list[asyncio.Event]:
    every = round(1 / leaving) if leaving else 0
    there = [asyncio.Event() for _ in seen]
    for place, each in enumerate(seen):
        leaves_every = _LEAVES_EVERY if every and place % every == 0 else None
        stub = stubs[place % len(stubs)]
        group.create_task(watch(stub, headers, each, there[place], leaves_every=leaves_every))
    return there


def _missing(seen: Sequence[Seen]) -> int:
    """Events that other watchers of the same run were told, and these were not."""
    last: dict[str, int] = {}
    for each in seen:
        last[each.run] = max(last.get(each.run, 0), each.last)
    return sum(last[each.run] - each.last for each in seen)


def _show(lines: Sequence[Line]) -> None:
    table = Table(
        "",
        *(f"{line.events_per_second_a_run:g} events/s a run" for line in lines),
        title=f"{lines[0].watchers} watchers of {lines[0].runs} runs on one server process",
    )
    for name in asdict(lines[0]):
        if name not in ("watchers", "runs", "events_per_second_a_run"):
            figures = (getattr(line, name) for line in lines)
            table.add_row(name.replace("_", " "), *(f"{figure:,}" for figure in figures))
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)
    console.print(
        "Lag is from commit to receipt, of token events; memory and CPU are the server process's, "
        "without Postgres.",
        style="dim",
    )


def _summary(lines: Sequence[Line], begun: float, *, holds: bool) -> dict[str, object]:
    return {
        "benchmark": "watchers",
        "python": machine.python_version(),
        "cores": os.cpu_count(),
        "elapsed_seconds": round(time.perf_counter() - begun, 1),
        "load_1m": round(os.getloadavg()[0], 2),
        "lines": [asdict(line) for line in lines],
        "lost": sum(line.lost for line in lines),
        "repeated": sum(line.repeated for line in lines),
        "holds": holds,
    }


if __name__ == "__main__":
    typer.run(main)
