"""Serving runs: Obelisk with everything on, a bare gRPC floor, and a server of the usual kind.

Each side is a process of its own and does the same work (retrieve, act, two model calls of 200
tokens, check) with the same scripted model; one client asks them over loopback, by turns.
"""

import asyncio
import json
import os
import platform as machine
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx
import typer
from bench.children import Child, child
from bench.corpus import questions
from bench.floor import asked_floor
from bench.measuring import (
    Ask,
    Sample,
    asks_floor,
    asks_obelisk,
    batch,
    postgres_cpu_seconds,
    quantile,
)
from bench.paced_model import FAST, LLM, PACES, Pace
from bench.serving_report import Line, show

from adapters.postgres.embedded import EmbeddedPostgres
from domain.errors import FailedPrecondition
from entrypoints.cli.terminal import console, log_to_terminal, run_async
from obelisk.client import ObeliskClient

TOKENS, _CALLS = 400, 2
AGENT = "email"
# The goals, as the project states them.
_FLOOR_RATIO, _FLOOR_AT = 3.0, 64
_BUSY_MS, _BUSY_AT = 100.0, 256
_PEER_RATIO, _PEER_AT = 3.0, 16
_CPU_RATIO = 0.5
_BYTES = 40.0
# Where runs take long, fewer are asked for.
_PATIENCE_SECONDS = 30.0
_ROUNDS = {FAST.name: 4, LLM.name: 3}
_CONCURRENCIES = "1,16,64,256"


class GoalMissed(FailedPrecondition):
    reason = "GOAL_MISSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """A server: how to ask it, its process, and where its PostgreSQL has its data."""

    ask: Ask
    process: Child
    data: Path | None = None

    def cpu_seconds(self) -> tuple[float, float]:
        """Of the process alone, and of its PostgreSQL."""
        return self.process.cpu_seconds(), postgres_cpu_seconds(self.data) if self.data else 0.0


def main(
    concurrencies: Annotated[str, typer.Option(help="Runs at a time.")] = _CONCURRENCIES,
    paces: Annotated[str, typer.Option(help="Of the model: fast, llm or both.")] = "fast,llm",
    rounds: Annotated[int, typer.Option(help="Times as many runs a place.", min=1)] = 1,
) -> None:
    """Measure; fails when a goal is missed."""
    log_to_terminal("ERROR")
    levels = [int(level) for level in concurrencies.split(",")]
    chosen = [PACES[name] for name in paces.split(",")]
    with tempfile.TemporaryDirectory(prefix="obelisk-bench-") as folder:
        run_async(_runs(Path(folder), levels, chosen, rounds))


async def _runs(folder: Path, levels: Sequence[int], paces: Sequence[Pace], rounds: int) -> None:
    begun = time.perf_counter()
    lines: list[Line] = []
    for pace in paces:
        async with _sides(folder / pace.name, pace) as sides:
            for name, side in sides.items():
                console.print(f"[dim]warming {name}[/]")
                await batch(side.ask, questions(8), 4)
            for level in levels:
                count = max(8, level * _ROUNDS[pace.name]) * rounds
                for name, side in sides.items():
                    console.print(f"[dim]{pace.name}, {level} at a time: {name}[/]")
                    lines.append(await _line(name, side, pace, level, count))
    missed = _missed(lines)
    show(lines, f"{TOKENS} tokens a run in two model calls")
    print(json.dumps(_summary(lines, missed, begun)), flush=True)
    if missed:
        raise GoalMissed("; ".join(missed))


@asynccontextmanager
async def _sides(folder: Path, pace: Pace) -> AsyncGenerator[Mapping[str, _Side]]:
    async with AsyncExitStack() as stack:
        bare = await stack.enter_async_context(child("bench.peers.bare_grpc", pace.name))
        stream = await stack.enter_async_context(asked_floor(bare.said["grpc"]))

        server = EmbeddedPostgres(folder / "peer")
        await asyncio.to_thread(server.start)
        stack.push_async_callback(asyncio.to_thread, server.stop)
        peer = await stack.enter_async_context(
            child("bench.peers.fastapi_langgraph", server.dsn, pace.name)
        )
        limits = httpx.Limits(max_connections=None)
        web = await stack.enter_async_context(
            httpx.AsyncClient(base_url=peer.said["url"], timeout=120, limits=limits)
        )

        ours = await stack.enter_async_context(
            child("bench.peers.obelisk_server", str(folder / "obelisk"), pace.name)
        )
        client = await stack.enter_async_context(
            ObeliskClient(ours.said["grpc"], token=ours.said["token"], space_id=ours.said["space"])
        )
        yield {
            "floor": _Side(ask=asks_floor(stream), process=bare),
            "fastapi": _Side(ask=_asks_peer(web), process=peer, data=folder / "peer"),
            "obelisk": _Side(
                ask=asks_obelisk(client, AGENT), process=ours, data=folder / "obelisk"
            ),
        }


def _asks_peer(web: httpx.AsyncClient) -> Ask:
    async def ask(question: str) -> Sample:
        begun = time.perf_counter()
        first, size = None, 0
        async with web.stream("POST", "/runs", json={"question": question}) as answer:
            answer.raise_for_status()
            async for piece in answer.aiter_raw():
                first = time.perf_counter() - begun if first is None else first
                size += len(piece)
        whole = time.perf_counter() - begun
        return Sample(
            first_token=whole if first is None else first,
            whole=whole,
            size_bytes=size,
            text_bytes=size,
        )

    return ask


async def _line(name: str, side: _Side, pace: Pace, level: int, count: int) -> Line:
    before = side.cpu_seconds()
    # Callers know nothing of each other: they come throughout a run's time, not all at once.
    spread = _CALLS * pace.seconds(TOKENS // _CALLS)
    measured = await batch(
        side.ask, questions(count), level, spread=spread, patience=spread + _PATIENCE_SECONDS
    )
    cpu = [now - then for now, then in zip(side.cpu_seconds(), before, strict=True)]
    count = len(measured.samples)
    first = [(sample.first_token - pace.first) * 1000 for sample in measured.samples]
    return Line(
        side=name,
        pace=pace.name,
        concurrency=level,
        runs=count,
        added_ttft_ms_p50=round(quantile(first, 0.5), 2),
        added_ttft_ms_p95=round(quantile(first, 0.95), 2),
        added_ttft_ms_p99=round(quantile(first, 0.99), 2),
        runs_per_second=round(count / measured.wall, 1),
        tokens_per_second=round(count * TOKENS / measured.wall),
        server_cpu_ms_per_run=round(cpu[0] / count * 1000, 1),
        postgres_cpu_ms_per_run=round(cpu[1] / count * 1000, 1),
        bytes_per_token=round(sum(s.size_bytes for s in measured.samples) / count / TOKENS, 1),
        resident_mb=round(side.process.resident_bytes() / 1e6),
    )


def _missed(lines: Sequence[Line]) -> list[str]:
    """Every goal that these lines speak of and do not meet."""
    found = {(line.side, line.pace, line.concurrency): line for line in lines}
    missed = []
    ours, floor = found.get(("obelisk", "llm", _FLOOR_AT)), found.get(("floor", "llm", _FLOOR_AT))
    if ours and floor and ours.added_ttft_ms_p50 > _FLOOR_RATIO * floor.added_ttft_ms_p50:
        missed.append(
            f"added TTFT p50 at c={_FLOOR_AT} is {ours.added_ttft_ms_p50} ms, over "
            f"{_FLOOR_RATIO:g}x of the floor's {floor.added_ttft_ms_p50}"
        )
    busy = found.get(("obelisk", "llm", _BUSY_AT))
    if busy and busy.added_ttft_ms_p50 > _BUSY_MS:
        missed.append(f"added TTFT p50 at c={_BUSY_AT} is {busy.added_ttft_ms_p50} ms")
    peer = found.get(("fastapi", "llm", _FLOOR_AT))
    if ours and peer and ours.server_cpu_ms_per_run > _CPU_RATIO * peer.server_cpu_ms_per_run:
        missed.append(
            f"{ours.server_cpu_ms_per_run} ms of CPU a run at c={_FLOOR_AT}, over "
            f"{_CPU_RATIO:g}x of FastAPI's {peer.server_cpu_ms_per_run}"
        )
    ours, peer = found.get(("obelisk", "fast", _PEER_AT)), found.get(("fastapi", "fast", _PEER_AT))
    if ours and peer and ours.runs_per_second < _PEER_RATIO * peer.runs_per_second:
        missed.append(
            f"{ours.runs_per_second} runs/s (fast, c={_PEER_AT}), under {_PEER_RATIO:g}x of "
            f"FastAPI's {peer.runs_per_second}"
        )
    wasteful = [line for line in lines if line.side == "obelisk" and line.bytes_per_token >= _BYTES]
    missed += [f"{line.bytes_per_token} bytes a token at c={line.concurrency}" for line in wasteful]
    return missed


def _summary(lines: Sequence[Line], missed: Sequence[str], begun: float) -> dict[str, object]:
    return {
        "benchmark": "runs",
        "tokens_per_run": TOKENS,
        "python": machine.python_version(),
        "cores": os.cpu_count(),
        "elapsed_seconds": round(time.perf_counter() - begun, 1),
        "load_1m": round(os.getloadavg()[0], 2),
        "lines": [line.as_json() for line in lines],
        "missed": list(missed),
        "holds": not missed,
    }


if __name__ == "__main__":
    typer.run(main)
