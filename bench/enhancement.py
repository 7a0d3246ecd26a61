"""What an enhancer that hangs adds before the first token, over the wire, beside none at all.

Two platforms that differ in nothing else take turns: a question by itself, and a follow-up, for
which the whole budget may be waited. The enhancer never answers; the writing model does at once.
On a machine with more to do than it can, first tokens vary by more than the budget: it is judged
then by how long the retrieval stayed with the enhancer.
"""

import asyncio
import json
import os
import platform as machine
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import typer
from bench.corpus import questions
from bench.hosting import served
from bench.measuring import quantile
from bench.paced_model import FAST, PacedChatModel
from bench.report import console
from rich.table import Table

from domain.agents.chat import ChatChunk, ChatRequest
from domain.errors import FailedPrecondition
from domain.retrieval.policy import EnhancementPolicy
from entrypoints.cli.terminal import log_to_terminal, run_async
from obelisk.client import ObeliskClient
from obelisk.v1 import conversation_pb2

AGENT = "email"
TOKENS = 20
BUDGET_MS = EnhancementPolicy().budget_seconds * 1000
_KINDS = ("question", "follow-up")
_FOLLOW_UP = "And what does it cost?"
_FOREVER = 3600.0
# A timer that rings late is no waiting.
_LATE = 1.1


class OverBudget(FailedPrecondition):
    reason = "OVER_BUDGET"


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """Seconds to the first token, and those that the retrieval stayed with the enhancer."""

    token: float
    enhancing: float


class HangingEnhancer(PacedChatModel):
    """Writes as it is told, and never says a question in other words."""

    asked = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk]:
        if request.json_schema is not None:
            self.asked += 1
            await asyncio.sleep(_FOREVER)
        async for chunk in super().stream(request):
            yield chunk


def main(
    rounds: Annotated[int, typer.Option(help="Conversations on each side.", min=3)] = 15,
    documents: Annotated[int, typer.Option(help="Documents in each space.", min=1)] = 8,
) -> None:
    """Measure; fails when a hanging enhancer costs more than its budget."""
    log_to_terminal("ERROR")
    with tempfile.TemporaryDirectory(prefix="obelisk-bench-") as folder:
        run_async(_measure(Path(folder), rounds, documents))


async def _measure(folder: Path, rounds: int, documents: int) -> None:
    begun = time.perf_counter()
    model = HangingEnhancer(TOKENS, FAST)
    times: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    stayed: defaultdict[str, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        clients = {}
        for side, enhancer in (("none", "off"), ("hanging", "model")):
            changed = {"query_enhancer": enhancer, "chat_sections": 0}
            place = await stack.enter_async_context(
                served(folder / side, model, documents, changed=changed)
            )
            clients[side] = await stack.enter_async_context(
                ObeliskClient(place.grpc, token=place.token, space_id=place.space)
            )
        # The first of each warms the process itself.
        for number, question in enumerate(questions(rounds + 1)):
            for side, client in clients.items():
                firsts = await _conversation(client, question)
                for kind, first in zip(_KINDS, firsts, strict=True):
                    times[side, kind] += [first.token] if number else []
                    stayed[kind] += [first.enhancing] if number and side == "hanging" else []
    added = {kind: _ms(times["hanging", kind]) - _ms(times["none", kind]) for kind in _KINDS}
    waited = {kind: _ms(seconds) for kind, seconds in stayed.items()}
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    faults = [
        f"a {kind} waits {ms:.0f} ms"
        for kind, ms in (waited if busy else added).items()
        if ms > BUDGET_MS * (_LATE if busy else 1)
    ]
    if model.asked < 2 * rounds:
        faults.append(f"the enhancer was asked {model.asked} times, not {2 * rounds}")
    _show(times)
    summary = {
        "benchmark": "enhancement",
        "conversations": rounds,
        "budget_ms": BUDGET_MS,
        "first_token_ms_p50": {f"{side}, {kind}": _ms(ms) for (side, kind), ms in times.items()},
        "added_ms_p50": {kind: round(ms, 1) for kind, ms in added.items()},
        "enhancer_waited_for_ms_p50": waited,
        "judged_by": "enhancer_waited_for_ms_p50" if busy else "added_ms_p50",
        "python": machine.python_version(),
        "cores": os.cpu_count(),
        "elapsed_seconds": round(time.perf_counter() - begun, 1),
        "load_1m": round(os.getloadavg()[0], 2),
        "faults": faults,
        "holds": not faults,
    }
    print(json.dumps(summary), flush=True)
    if faults:
        raise OverBudget("; ".join(faults))


async def _conversation(client: ObeliskClient, question: str) -> tuple[First, First]:
    """Of a question, and of one that leans on it."""
    created = await client.conversations.CreateConversation(
        conversation_pb2.CreateConversationRequest(title="Bench"), metadata=client.metadata
    )
    conversation = created.conversation.conversation_id
    return (
        await _first_token(client, question, conversation),
        await _first_token(client, _FOLLOW_UP, conversation),
    )


async def _first_token(client: ObeliskClient, question: str, conversation: str) -> First:
    begun, token, enhancing = time.perf_counter(), None, 0.0
    async for event in client.ask(AGENT, question, conversation_id=conversation):
        if token is None and event.HasField("token_batch"):
            token = time.perf_counter() - begun
        if event.stage_timed.stage == "retrieve.enhance":
            enhancing = event.stage_timed.duration.ToMicroseconds() / 1e6
    if token is None:
        raise OverBudget(f"{question!r} showed no text")
    return First(token=token, enhancing=enhancing)


def _show(times: defaultdict[tuple[str, str], list[float]]) -> None:
    table = Table(
        *("enhancer", *(f"{kind}, first token ms" for kind in _KINDS)),
        title=f"p50 and p95; the budget is {BUDGET_MS:g} ms",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for side in dict.fromkeys(side for side, _ in times):
        cells = (times[side, kind] for kind in _KINDS)
        table.add_row(side, *(f"{_ms(ms):,} / {_ms(ms, 0.95):,}" for ms in cells))
    console.print(table)


def _ms(seconds: list[float], share: float = 0.5) -> float:
    return round(quantile(seconds, share) * 1000, 1)


if __name__ == "__main__":
    typer.run(main)
