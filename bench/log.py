"""How many token events a second one embedded Postgres takes, from many runs at once.

Each run has its own real writer. What differs is the log behind them: group commits, in which the
appends of all runs travel together, or one statement and one commit for each batch of each run.
"""

import json
import os
import platform as machine
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import asyncpg
import typer
from bench.log_load import (
    CountingPool,
    Measured,
    OneByOne,
    Uncoalesced,
    claimed_runs,
    gaps,
    load,
)
from bench.measuring import quantile
from rich.console import Console
from rich.table import Table

from adapters.local.entropy import SystemEntropy
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.group_commit import LANES
from adapters.postgres.migrate import migrate
from adapters.postgres.pool import APPLICATION_ROLE, Pool
from application.ports.event_log import EventLog
from domain.errors import FailedPrecondition
from domain.identifiers import SpaceId
from entrypoints.cli.terminal import log_to_terminal, run_async

GOAL = 10_000
SPACES = 8
_WARM_UP_SECONDS = 2.0
_HOME = """
with organization as (
  insert into obelisk.organizations (organization_id, display_name, create_time)
  values ($1, 'Bench', now()) returning organization_id)
insert into obelisk.spaces (space_id, organization_id, display_name, create_time)
select s.id, o.organization_id, 'Bench', now() from unnest($2::uuid[]) s (id), organization o
"""
console = Console(highlight=False, width=120)


class BelowTheGoal(FailedPrecondition):
    reason = "BELOW_THE_GOAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One side. Tokens are what was put, rows what they became; times in milliseconds."""

    side: str
    runs: int
    seconds: float
    tokens_put_per_second: int
    tokens_kept_per_second: int
    rows_per_second: int
    commits_per_second: int
    put_to_committed_ms_p50: float
    put_to_committed_ms_p95: float
    cpu_ms_per_1000_tokens: float


def main(
    seconds: Annotated[float, typer.Option(help="How long each side is measured.", min=1)] = 10,
    runs: Annotated[int, typer.Option(help="Runs that write at once.", min=1)] = 200,
    rate: Annotated[int, typer.Option(help="Tokens put a second, in all.", min=1)] = 12_000,
    lanes: Annotated[int, typer.Option(help="Group commits at once.", min=1)] = LANES,
) -> None:
    """Measure; fails below 10,000 token events a second, or when a log has a gap."""
    log_to_terminal("ERROR")
    with tempfile.TemporaryDirectory(prefix="obelisk-bench-") as folder:
        run_async(_log(Path(folder), seconds, runs, rate, lanes))


async def _log(folder: Path, seconds: float, runs: int, rate: int, lanes: int) -> None:
    begun = time.perf_counter()
    rows: list[Row] = []
    faults: list[str] = []
    async with _database(folder) as (pool, spaces):
        groups = PostgresEventLog(pool, SystemEntropy(), lanes=lanes)
        sides: dict[str, EventLog] = {
            "one by one": OneByOne(pool, groups),
            "group commit": groups,
            "group commit, a row a token": Uncoalesced(groups),
        }
        for side, log in sides.items():
            console.print(f"[dim]{side}: {rate} tokens a second for {seconds:.0f} s[/]")
            claimed = await claimed_runs(pool, spaces, runs)
            measured = await load(
                log, claimed, pool, rate=rate, warm_up=_WARM_UP_SECONDS, seconds=seconds
            )
            rows.append(_row(side, measured, runs))
            faults += await gaps(log, claimed)
    faults += _below(rows)
    _show(rows)
    print(json.dumps(_summary(rows, rate, faults, begun)), flush=True)
    if faults:
        raise BelowTheGoal(f"{len(faults)} things do not hold; first: {'; '.join(faults[:3])}")


@asynccontextmanager
async def _database(folder: Path) -> AsyncGenerator[tuple[CountingPool, Sequence[SpaceId]]]:
    """An embedded server as it ships, durable commits and all, with spaces to write in."""
    with EmbeddedPostgres(folder / "postgres") as server:
        await migrate(server.dsn, let_application_in=True)
        spaces = [SpaceId(SystemEntropy().uuid()) for _ in range(SPACES)]
        await _furnish(server.dsn, spaces)
        pool = await CountingPool.open(server.dsn_for(APPLICATION_ROLE, "postgres"))
        try:
            yield _counting(pool), spaces
        finally:
            await pool.close()


def _counting(pool: Pool) -> CountingPool:
    if not isinstance(pool, CountingPool):
        raise TypeError("a pool is of the kind that opened it")
    return pool


async def _furnish(dsn: str, spaces: Sequence[UUID]) -> None:
    owner = await asyncpg.connect(dsn)
    try:
        await owner.execute(_HOME, SystemEntropy().uuid(), list(spaces))
    finally:
        await owner.close()


def _row(side: str, measured: Measured, runs: int) -> Row:
    per_second = 1 / measured.seconds
    return Row(
        side=side,
        runs=runs,
        seconds=round(measured.seconds, 1),
        tokens_put_per_second=round(measured.put * per_second),
        tokens_kept_per_second=round(measured.kept * per_second),
        rows_per_second=round(measured.rows * per_second),
        commits_per_second=round(measured.commits * per_second),
        put_to_committed_ms_p50=round(quantile(measured.waits, 0.5) * 1000, 1),
        put_to_committed_ms_p95=round(quantile(measured.waits, 0.95) * 1000, 1),
        cpu_ms_per_1000_tokens=round(measured.cpu * 1e6 / measured.kept, 1),
    )


def _below(rows: Sequence[Row]) -> list[str]:
    return [
        f"{row.side}: {row.tokens_kept_per_second} token events a second, not {GOAL}"
        for row in rows
        if row.side == "group commit" and row.tokens_kept_per_second < GOAL
    ]


def _show(rows: Sequence[Row]) -> None:
    table = Table(
        *("side", "runs", "tokens/s put", "kept", "rows/s", "commits/s"),
        *("put to committed ms p50", "p95", "CPU ms/1,000 tokens"),
        title=f"Token events into one embedded Postgres, {SPACES} spaces",
    )
    for row in rows:
        cells = list(asdict(row).values())
        table.add_row(row.side, str(row.runs), *(f"{figure:,}" for figure in cells[3:]))
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)
    console.print("CPU is of this process: writers and log, without Postgres.", style="dim")


def _summary(
    rows: Sequence[Row], rate: int, faults: Sequence[str], begun: float
) -> dict[str, object]:
    return {
        "benchmark": "log",
        "goal_token_events_per_second": GOAL,
        "offered_per_second": rate,
        "python": machine.python_version(),
        "cores": os.cpu_count(),
        "elapsed_seconds": round(time.perf_counter() - begun, 1),
        "load_1m": round(os.getloadavg()[0], 2),
        "rows": [asdict(row) for row in rows],
        "faults": list(faults),
        "holds": not faults,
    }


if __name__ == "__main__":
    typer.run(main)
