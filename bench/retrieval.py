"""A search among passages of 3,072 dimensions, in spaces of several sizes with others beside them.

The whole retrieval with its streams, the search and each of its halves, next to the plain design:
a `vector` column, a filter on the space, an exact scan. That one knows vectors alone, so it is
compared with our search by meaning, which finds the same ten passages; the benchmark fails where it
is ahead at any size. The embedding is known beforehand, so that what is measured is our own time.
"""

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import asyncpg
import typer
from bench.measuring import quantile
from bench.retrieval_report import Row, duels, faults, show
from bench.retrieval_sides import MEANING, PLAIN, RETRIEVAL, Ask, CountingPool, Sides
from bench.retrieval_world import Asked, Maker, copy_plainly, fill
from rich.console import Console

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from adapters.postgres.pool import APPLICATION_ROLE
from adapters.postgres.vector_graphs import PostgresVectorGraphs
from application.retrieval.keep_graphs import KeepGraphs
from domain.errors import FailedPrecondition
from domain.identifiers import ChunkId, SpaceId
from domain.retrieval.graphs import GraphPolicy
from entrypoints.cli.terminal import log_to_terminal, run_async

TENANTS, TENANT_CHUNKS = 200, 25
_WARM_UP = 5
console = Console(highlight=False, width=120)


class BelowTheGoal(FailedPrecondition):
    reason = "BELOW_THE_GOAL"


class Tally:
    """What each side has taken: milliseconds, those of the server's processes, statements."""

    def __init__(self, pool: CountingPool, backends: Sequence[int]) -> None:
        self._pool = pool
        self._backends = backends
        self.times: defaultdict[str, list[float]] = defaultdict(list)
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self.own: defaultdict[str, float] = defaultdict(float)
        self.statements: defaultdict[str, int] = defaultdict(int)
        self.hits: defaultdict[str, list[float]] = defaultdict(list)

    async def timed(self, side: str, ask: Ask, one: Asked) -> list[ChunkId]:
        """Ask, and note what it took."""
        statements, cpu = self._pool.statements, _cpu_ms(self._backends)
        begun, used = time.perf_counter(), time.process_time()
        found = await ask(one)
        self.own[side] += (time.process_time() - used) * 1000
        self.times[side].append((time.perf_counter() - begun) * 1000)
        self.cpu[side] += _cpu_ms(self._backends) - cpu
        self.statements[side] += self._pool.statements - statements
        return found


def main(
    sizes: Annotated[str, typer.Option(help="Passages of each space.")] = "100,5000,20000,50000",
    questions: Annotated[int, typer.Option(help="Questions to each space.", min=10)] = 60,
    graphs: Annotated[
        bool,
        typer.Option(help="Build large spaces' graphs first, as every hour does."),
    ] = False,
) -> None:
    """Measure; fails when a goal of recall or time is missed, or the plain design is ahead."""
    log_to_terminal("ERROR")
    run_async(_measure([int(size) for size in sizes.split(",")], questions, graphs=graphs))


async def _measure(sizes: Sequence[int], count: int, *, graphs: bool) -> None:
    begun = time.perf_counter()
    rows: list[Row] = []
    built = 0.0
    async with _world() as (pool, owner, dsn):
        maker = Maker()
        spaces = {size: await _filled(pool, owner, maker, size) for size in sizes}
        console.print(f"[dim]{TENANTS} tenants beside them[/]")
        for _ in range(TENANTS):
            await fill(pool, owner, maker, TENANT_CHUNKS)
        await copy_plainly(owner, list(spaces.values()))
        await owner.execute("vacuum analyze")
        if graphs:
            built = await _with_graphs(dsn)
        backends = await pool.backends()
        done = {}
        for size, space in spaces.items():
            asked = maker.questions(count)
            sides, tally = Sides(pool, space, asked), Tally(pool, backends)
            done[size] = sides, tally, asked, await _ours(sides, tally, asked)
        for size, (sides, tally, asked, near) in done.items():
            await _plain(sides, tally, asked, near)
            rows += _rows(size, sides, tally)
    streams = {name: row for row in rows if row.chunks == max(sizes) for name in [row.side]}
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    fought = duels(rows, busy=busy)
    missed = faults(rows, fought, busy=busy)
    show(console, rows, fought, f"with {TENANTS} tenants beside")
    summary = {
        "benchmark": "retrieval",
        "dimensions": 3072,
        "questions": count,
        "tenants_beside": TENANTS,
        "cores": os.cpu_count(),
        "load_1m": round(os.getloadavg()[0], 2),
        "elapsed_seconds": round(time.perf_counter() - begun, 1),
        "rows": [asdict(row) for row in rows],
        "graphs_built_seconds": round(built, 1),
        "like_for_like": [asdict(duel) for duel in fought],
        "ahead_at_every_size": all(duel.ahead for duel in fought),
        "judged_by": "CPU time" if busy else "time",
        "own_ms_p95": streams[RETRIEVAL].ms_p95,
        "faults": missed,
        "holds": not missed,
    }
    print(json.dumps(summary), flush=True)
    if missed:
        raise BelowTheGoal("; ".join(missed))


@asynccontextmanager
async def _world() -> AsyncGenerator[
    tuple[CountingPool, "asyncpg.Connection[asyncpg.Record]", str]
]:
    with (
        tempfile.TemporaryDirectory(prefix="obelisk-bench-") as folder,
        EmbeddedPostgres(Path(folder) / "postgres") as server,
    ):
        await migrate(server.dsn, let_application_in=True)
        owner = await asyncpg.connect(server.dsn, command_timeout=600)
        pool = await CountingPool.opened(server.dsn_for(APPLICATION_ROLE, "postgres"))
        try:
            yield pool, owner, server.dsn
        finally:
            await pool.close()
            await owner.close()


async def _with_graphs(dsn: str) -> float:
    """The seconds that the upkeep of graphs takes."""
    begun = time.perf_counter()
    await KeepGraphs(graphs=PostgresVectorGraphs(dsn), policy=GraphPolicy())()
    return time.perf_counter() - begun


async def _filled(
    pool: CountingPool, owner: "asyncpg.Connection[asyncpg.Record]", maker: Maker, size: int
) -> SpaceId:
    console.print(f"[dim]a space of {size} passages[/]")
    space, _ = await fill(pool, owner, maker, size)
    return space


async def _ours(sides: Sides, tally: "Tally", asked: Sequence[Asked]) -> list[set[ChunkId]]:
    """What search by meaning has found: by itself, as the plain one; the others take turns."""
    for one in asked[:_WARM_UP]:
        for ask in sides.each().values():
            await ask(one)
    sides.stages.clear()
    others = sides.each()
    meaning = others.pop(MEANING)
    near = [set(await tally.timed(MEANING, meaning, one)) for one in asked]
    for one in asked:
        for side, ask in others.items():
            await tally.timed(side, ask, one)
    return near


async def _plain(
    sides: Sides, tally: "Tally", asked: Sequence[Asked], near: Sequence[set[ChunkId]]
) -> None:
    """After ours in all spaces: what it reads leaves nothing of theirs in the server's memory.

    As warm as ours: the first questions are asked once before they count.
    """
    for one in asked[:_WARM_UP]:
        await sides.plain(one)
    for one, ours in zip(asked, near, strict=True):
        exact = await tally.timed(PLAIN, sides.plain, one)
        tally.hits[MEANING].append(len(ours & set(exact)) / len(exact))


def _rows(size: int, sides: Sides, tally: "Tally") -> list[Row]:
    times, cpu, statements, hits = tally.times, tally.cpu, tally.statements, tally.hits
    for stream, seconds in sides.stages.items():
        times[stream] = [second * 1000 for second in seconds]
    return [
        Row(
            chunks=size,
            side=side,
            ms_p50=round(quantile(ms, 0.5), 2),
            ms_p95=round(quantile(ms, 0.95), 2),
            own_cpu_ms=round(tally.own[side] / len(ms), 2),
            postgres_cpu_ms=round(cpu[side] / len(ms), 2),
            statements=round(statements[side] / len(ms), 1),
            recall_10=round(sum(hits[side]) / len(hits[side]), 4) if hits[side] else None,
        )
        for side, ms in times.items()
    ]


def _cpu_ms(backends: Sequence[int]) -> float:
    """What the server's processes have used, as the scheduler counts it: in nanoseconds."""
    told = (Path(f"/proc/{backend}/schedstat").read_text(encoding="ascii") for backend in backends)
    return sum(int(one.split()[0]) for one in told) / 1e6


if __name__ == "__main__":
    typer.run(main)
