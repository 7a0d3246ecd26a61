"""Break everything while hundreds of runs are at work, and hold what was seen against the logs.

python -m bench.chaos --faults 2000
"""

import asyncio
import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom
from typing import Annotated

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import typer
from bench.chaos.asking import Asking
from bench.chaos.checking import calls_again, judge
from bench.chaos.clients import clients
from bench.chaos.faults import WEIGHTS, Faults
from bench.chaos.furnishing import furnish
from bench.chaos.logs import tracebacks
from bench.chaos.progress import Progress
from bench.chaos.reading import read_history
from bench.chaos.report import Outcome, show
from bench.chaos.world import KINDS, world

from domain.errors import FailedPrecondition
from entrypoints.cli.terminal import console, log_to_terminal, run_async
from entrypoints.cli.tokens import local_tokens
from entrypoints.settings import Settings

# Besides the faults themselves: starting, the last runs' ends and the reading of all logs.
_BESIDES_SECONDS = 180.0
# Some faults wait until what they break is whole again, and a machine may be slow.
_TIMES_THE_GAP = 4.0


class PromiseBroken(FailedPrecondition):
    reason = "PROMISE_BROKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`gap` is in seconds between faults, on average; `at_once` clients ask side by side."""

    faults: int
    seed: int
    gap: float
    at_once: int
    kinds: tuple[str, ...]

    @property
    def limit(self) -> float:
        """Seconds after which it is given up: something hangs."""
        return _BESIDES_SECONDS + self.faults * self.gap * _TIMES_THE_GAP


def main(
    faults: Annotated[int, typer.Option(help="How many things to break.", min=1)] = 100,
    seed: Annotated[int | None, typer.Option(help="Of all chance; any when not given.")] = None,
    gap: Annotated[float, typer.Option(help="Seconds between faults.", min=0.05)] = 0.3,
    at_once: Annotated[int, typer.Option(help="Clients that ask side by side.", min=1)] = 10,
    kinds: Annotated[str, typer.Option(help="Faults to choose from.")] = ",".join(WEIGHTS),
    keep: Annotated[Path | None, typer.Option(help="Where to put the logs.")] = None,
) -> None:
    """Break things; fails when a promise was broken."""
    log_to_terminal("ERROR")
    chosen = SystemRandom().randrange(2**31) if seed is None else seed
    names = tuple(kinds.split(","))
    plan = Plan(faults=faults, seed=chosen, gap=gap, at_once=at_once, kinds=names)
    console.print(f"seed {chosen}")
    folder = Path(tempfile.mkdtemp(prefix="obelisk-chaos-"))
    try:
        run_async(_in_time(folder, plan))
    finally:
        if keep is not None:
            _keep(folder, keep)
        shutil.rmtree(folder, ignore_errors=True)


async def _in_time(folder: Path, plan: Plan) -> None:
    try:
        async with asyncio.timeout(plan.limit):
            await _chaos(folder, plan)
    except TimeoutError as error:
        raise PromiseBroken(f"it was not over after {plan.limit:.0f} s") from error


async def _chaos(folder: Path, plan: Plan) -> None:
    begun = time.perf_counter()
    chance = Random(plan.seed)
    async with world(folder, KINDS, Random(chance.random())) as made:
        console.print(f"[dim]everything is up after {time.perf_counter() - begun:.0f} s[/]")
        servers = made.members.of("server")
        own = Settings().model_copy(update={"data_dir": made.data_dir})
        async with (
            local_tokens(own, servers[0].target) as token,
            clients(servers, token, Random(chance.random())) as reached,
        ):
            places = await furnish(servers[0].target, token)
            asking = Asking(clients=reached, places=places, chance=Random(chance.random()))
            faults = Faults(
                world=made, asking=asking, chance=Random(chance.random()), chosen=plan.kinds
            )
            progress = Progress(faults=faults, goal=plan.faults)
            await _under_load(plan, faults, progress)
            history = await read_history(made, reached, places, asking.stories)
    outcome = Outcome(
        verdict=judge(history),
        faults=faults,
        surprises=(*reached.surprises, *made.members.ends, *tracebacks(folder)),
        left_behind=tuple(processes_under(folder)),
        seed=plan.seed,
        seconds=time.perf_counter() - begun,
        calls_again=calls_again(history.deeds),
        unended=history.unended,
        peak_mb=progress.peak_mb,
        peak_files=progress.peak_files,
        connections=history.connections,
    )
    show(outcome)
    print(json.dumps(outcome.summary()), flush=True)
    if outcome.broken:
        raise PromiseBroken(f"{len(outcome.broken)} promises were broken, with seed {plan.seed}")


async def _under_load(plan: Plan, faults: Faults, progress: Progress) -> None:
    """Break things while clients ask, and wait until the last of them has its answer."""
    async with asyncio.TaskGroup() as group:
        beside = (faults.world.members.keep(), progress.tell())
        keepers = [group.create_task(each) for each in beside]
        async with asyncio.TaskGroup() as askers:
            for _ in range(plan.at_once):
                askers.create_task(faults.asking.keep_asking())
            await faults.inject(plan.faults, plan.gap)
            faults.asking.over = True
        for keeper in keepers:
            keeper.cancel()


def processes_under(folder: Path) -> list[str]:
    """Command lines of living processes that name the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in line and int(entry.parent.name) != os.getpid():
                found.append(line)
    return found


def _keep(folder: Path, kept: Path) -> None:
    """The logs of the processes and the effects, for whoever looks for the cause."""
    kept.mkdir(parents=True, exist_ok=True)
    for found in (
        *folder.glob("*.log"),
        *folder.glob("*.jsonl"),
        *folder.glob("*.txt"),
        folder / "postgres/postgres.log",
    ):
        if found.exists():
            shutil.copy(found, kept / found.name)


if __name__ == "__main__":
    typer.run(main)
