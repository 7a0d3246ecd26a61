"""What Obelisk adds before the first token and in all, beside a bare gRPC server, in one run.

The same scripted model (200 tokens) stands behind both. Everything else is real: embedded Postgres,
embeddings, retrieval, agent, event log, gRPC on loopback, the public client.
"""

import json
import os
import platform as machine
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

# Before gRPC is imported, and before the modules beside this one are.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import typer
from bench.corpus import questions
from bench.floor import floor
from bench.hosting import hosted, ingest
from bench.measuring import Ask, Batch, Sample, asks_floor, asks_obelisk, batch
from bench.paced_model import FAST, LLM, Pace, PacedChatModel
from bench.report import Row, as_json, console, row, show

from domain.errors import FailedPrecondition
from entrypoints.cli.terminal import log_to_terminal, run_async
from obelisk.client import ObeliskClient
from obelisk.v1 import run_pb2

TOKENS = 200
DOCUMENTS = 40
AGENT = "email"
CONCURRENCIES = (1, 4, 16)
MOST_BYTES_A_TOKEN = 40
_WARM_UP = 4
# Runs for each place: a slow model's runs take long, and a fast one's vary more.
_ROUNDS = {FAST.name: 4, LLM.name: 2}


class DoesNotHold(FailedPrecondition):
    reason = "DOES_NOT_HOLD"


def main(
    runs: Annotated[int, typer.Option(help="Runs of each setting, at the least.", min=1)] = 8,
) -> None:
    """Measure; fails when a replay differs, a sequence has a gap or the wire carries waste."""
    log_to_terminal("ERROR")
    with tempfile.TemporaryDirectory(prefix="obelisk-bench-") as folder:
        run_async(_overhead(Path(folder), runs))


async def _overhead(folder: Path, runs: int) -> None:
    begun = time.perf_counter()
    rows: list[Row] = []
    faults: list[str] = []
    model = PacedChatModel(TOKENS, FAST)
    async with hosted(folder / "data", model) as client, floor(model) as stream:
        console.print(f"[dim]reading {DOCUMENTS} documents[/]")
        passages = await ingest(client, DOCUMENTS)
        sides = {"floor": asks_floor(stream), "obelisk": asks_obelisk(client, AGENT)}
        async with aclosing(_measured(sides, model, runs)) as batches:
            async for side, pace, concurrency, measured in batches:
                rows.append(row(side, pace, concurrency, TOKENS, measured))
                faults += await _broken_histories(client, measured.samples)
    faults += _wasteful(rows)
    show(rows, f"{TOKENS} tokens a run, {passages} passages of {DOCUMENTS} documents")
    print(json.dumps(_summary(rows, passages, faults, begun)), flush=True)
    if faults:
        raise DoesNotHold(f"{len(faults)} things do not hold; first: {'; '.join(faults[:3])}")


async def _measured(
    sides: Mapping[str, Ask], model: PacedChatModel, runs: int
) -> AsyncGenerator[tuple[str, Pace, int, Batch]]:
    """The floor and Obelisk by turns, so that a busy machine hits both alike."""
    for ask in sides.values():
        await batch(ask, questions(_WARM_UP), 1)
    for pace in (FAST, LLM):
        model.pace = pace
        for concurrency in CONCURRENCIES:
            least = runs * _ROUNDS[pace.name] // _ROUNDS[LLM.name]
            count = max(least, _ROUNDS[pace.name] * concurrency)
            for side, ask in sides.items():
                console.print(f"[dim]{pace.name}, {concurrency} at a time: {side}[/]")
                yield side, pace, concurrency, await batch(ask, questions(count), concurrency)


async def _broken_histories(client: ObeliskClient, samples: Iterable[Sample]) -> list[str]:
    """Runs whose stream was not whole, or is not what the event log replays."""
    faults = []
    for sample in samples:
        if not sample.events:
            continue
        run_id, last = sample.events[0].queued.run_id, sample.events[-1]
        replayed = tuple([event async for event in client.watch(run_id)])
        if replayed != sample.events:
            faults.append(f"run {run_id}: the replay differs from the stream")
        if [event.sequence for event in replayed] != list(range(1, len(replayed) + 1)):
            faults.append(f"run {run_id}: its sequence is not gapless from 1")
        if last.completed.reason != run_pb2.TERMINATION_REASON_COMPLETE:
            faults.append(f"run {run_id}: it did not complete: {last.completed}")
        if not any(event.HasField("token_batch") for event in sample.events):
            faults.append(f"run {run_id}: it showed no text")
    return faults


def _wasteful(rows: Iterable[Row]) -> list[str]:
    return [
        f"{line.profile} c={line.concurrency}: {line.bytes_per_token} bytes a token, "
        f"not under {MOST_BYTES_A_TOKEN}"
        for line in rows
        if line.side == "obelisk" and line.bytes_per_token >= MOST_BYTES_A_TOKEN
    ]


def _summary(
    rows: Sequence[Row], passages: int, faults: Sequence[str], begun: float
) -> dict[str, object]:
    return {
        "benchmark": "overhead",
        "tokens_per_run": TOKENS,
        "documents": DOCUMENTS,
        "passages": passages,
        "agent": AGENT,
        "python": machine.python_version(),
        "cores": os.cpu_count(),
        "elapsed_seconds": round(time.perf_counter() - begun, 1),
        "load_1m": round(os.getloadavg()[0], 2),
        "rows": [as_json(line) for line in rows],
        "faults": list(faults),
        "holds": not faults,
    }


if __name__ == "__main__":
    typer.run(main)
