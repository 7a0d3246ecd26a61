"""`make isolation`: the whole matrix, as it is and with one of its two layers taken away."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

# Before gRPC is imported, here and in the passes.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import asyncpg
from rich.console import Console
from rich.table import Table

from adapters.postgres.migrate import migrate
from adapters.redis.embedded import EmbeddedValkey
from fixtures.pgbouncer import PgBouncer, started_pgbouncer
from fixtures.postgres import APPLICATION_LOGIN, PostgresServer, started_postgres
from isolation.order import Findings, Order
from isolation.seeding import seed
from isolation.world import World

_TEMPLATE = "isolation_template"
_SHOWN = 20
# Each pass takes every case with what belongs in its place; those with another kind of id are dealt
# out, so that the five passes together take each of them.
_HANDS = 5
_HANDS_OF_A_CHECK = 100
_SECONDS = 400
_console = Console(width=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """`deal` says which of the cases with a wrong kind of id it takes."""

    name: str
    deal: int
    filters: bool = True
    policies: bool = True
    pooler: bool = False

    @property
    def leaky(self) -> bool:
        """Both layers are off: a pass that found no leak would be the fault."""
        return not self.filters and not self.policies


MODES = (
    Mode(name="as it is", deal=0),
    Mode(name="filters off", deal=1, filters=False),
    Mode(name="policies off", deal=2, policies=False),
    Mode(name="as it is, pooler", deal=3, pooler=True),
    Mode(name="filters off, pooler", deal=4, filters=False, pooler=True),
    Mode(name="both off", deal=0, filters=False, policies=False),
)


async def _all_modes(modes: tuple[Mode, ...]) -> dict[Mode, Findings]:
    room = asyncio.Semaphore(os.cpu_count() or 1)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="iso-", dir="/tmp"))
        stack.callback(shutil.rmtree, folder)
        server = stack.enter_context(started_postgres())
        await server.prepare()
        world = await _template(server)
        bouncer = stack.enter_context(started_pgbouncer(server.embedded, sessions=8))
        async with asyncio.TaskGroup() as tasks:
            passes = {
                mode: tasks.create_task(
                    _pass(mode, world, server, bouncer, folder / f"{number}", room)
                )
                for number, mode in enumerate(modes)
            }
    return {mode: task.result() for mode, task in passes.items()}


async def _template(server: PostgresServer) -> World:
    """One seeded database, which every pass gets a copy of."""
    world = World()
    await _run(server.embedded.dsn, f"create database {_TEMPLATE}")
    dsn = server.dsn("postgres", _TEMPLATE)
    await migrate(dsn)
    connection = await asyncpg.connect(dsn)
    try:
        await seed(connection, world)
    finally:
        await connection.close()
    return world


async def _pass(
    mode: Mode,
    world: World,
    server: PostgresServer,
    bouncer: PgBouncer,
    folder: Path,
    room: asyncio.Semaphore,
) -> Findings:
    async with room, server.database(_TEMPLATE) as database:
        folder.mkdir()
        dsn = bouncer.dsn(APPLICATION_LOGIN, database.name) if mode.pooler else database.dsn
        with EmbeddedValkey(folder / "valkey") as valkey:
            order = Order(
                name=mode.name,
                owner_dsn=database.superuser_dsn,
                application_dsn=dsn,
                pooler=mode.pooler,
                redis_url=valkey.url,
                folder=str(folder / "data"),
                world=asdict(world),
                filters=mode.filters,
                policies=mode.policies,
                every=_HANDS_OF_A_CHECK if mode.leaky else _HANDS,
                offset=mode.deal,
            )
            return await _in_a_process(order)


async def _in_a_process(order: Order) -> Findings:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "isolation.attempt"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        async with asyncio.timeout(_SECONDS):
            out, _ = await process.communicate(json.dumps(asdict(order)).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        return Findings(leaks=[f"the pass {order.name!r} broke off: see above"])
    return Findings(**json.loads(out))


async def _run(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def faults(mode: Mode, found: Findings) -> list[str]:
    """Why this pass does not hold; of one without any layer, that it found nothing."""
    said = [f"{rpc} is not there" for rpc in found.not_there_yet]
    if not mode.filters and not found.rewritten:
        said.append("no statement was rewritten")
    if not mode.policies and not found.open_tables:
        said.append("row-level security was not taken away")
    if mode.leaky:
        shown = any(": shows " in leak for leak in found.leaks)
        return said if shown else [*said, "nothing was shown with both layers off"]
    return [*said, *found.leaks]


def _show(found: dict[Mode, Findings]) -> None:
    table = Table(title="One tenant tries to reach another")
    for column in ("pass", "cases", "leaks", "taken away", "refusal ms", "seconds"):
        table.add_column(column, justify="left" if column == "pass" else "right")
    for mode, its in found.items():
        taken = [f"{its.rewritten} filters"] * bool(its.rewritten)
        taken += [f"{its.open_tables} policies"] * bool(its.open_tables)
        times = f"{its.foreign_ms:.0f} / {its.missing_ms:.0f}"
        numbers = (its.cases, len(its.leaks), ", ".join(taken), times, its.seconds)
        table.add_row(mode.name, *map(str, numbers))
    _console.print(table)
    _console.print(
        "Refusal ms: medians, for ids that exist and for ids that do not. The last pass has "
        "neither layer, and has to leak: it shows that the check can fail.",
        style="dim",
    )


def _in_short(its: Findings) -> dict[str, int]:
    return {"cases": its.cases, "leaks": len(its.leaks)}


def main() -> None:
    """Exits with 1 when anything leaks, or when a pass did not do what it was there for."""
    begun = time.perf_counter()
    names = {word for word in sys.argv[1:] if not word.startswith("--")}
    chosen = tuple(mode for mode in MODES if not names or mode.name in names)
    found = asyncio.run(_all_modes(chosen))
    _show(found)
    broken = {mode: faults(mode, its) for mode, its in found.items()}
    for mode, said in broken.items():
        for fault in said if "--all" in sys.argv else said[:_SHOWN]:
            _console.print(f"[red]{mode.name}[/]: {fault}", highlight=False, soft_wrap=True)
    held = {mode: its for mode, its in found.items() if not mode.leaky}
    summary = {
        "cases": sum(its.cases for its in held.values()),
        "leaks": sum(len(broken[mode]) for mode in held),
        "modes": {mode.name: _in_short(its) for mode, its in held.items()},
        "self_check": {mode.name: _in_short(found[mode]) for mode in found if mode.leaky},
        "seconds": round(time.perf_counter() - begun, 1),
    }
    sys.stdout.write(json.dumps(summary) + "\n")
    sys.exit(1 if any(broken.values()) else 0)


if __name__ == "__main__":
    main()
