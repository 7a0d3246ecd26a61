"""What preparing a conversation saves before the first token, with the model that ships.

Conversations of a few turns, each gone on with by one question: every other one was prepared first.
The model writes at once, as larger ones do, and so begins with what can be read ahead.
"""

import asyncio
import json
import os
import platform as machine
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import asyncpg
import typer
from bench.corpus import passages, questions
from bench.hosting import served
from bench.measuring import quantile
from bench.report import console
from pydantic import SecretStr
from rich.table import Table

from adapters.local.chat import LlamaChatModel
from adapters.local.entropy import SystemEntropy
from adapters.local.weights import packaged_chat_model
from adapters.postgres.embedded import EmbeddedPostgres
from domain.errors import FailedPrecondition
from entrypoints.cli.terminal import log_to_terminal, run_async
from obelisk.client import ObeliskClient
from obelisk.v1 import conversation_pb2, run_pb2

AGENT = "email"
CONTEXT_TOKENS = 2048
TURNS = 3
# Preparing must save at least this share of what the model works for the first token.
LEAST_SAVED = 0.1
_CHARACTERS = 300
_MESSAGE = """
insert into obelisk.messages (space_id, conversation_id, message_id, run_id, role, content, turn)
values ($1, $2, $3, $4, $5, $6, $7)
"""
_entropy = SystemEntropy()


class SavesNothing(FailedPrecondition):
    reason = "SAVES_NOTHING"


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """What the first token took: seconds on the wall, and of the model's processor time."""

    seconds: float
    cpu: float


def main(
    rounds: Annotated[int, typer.Option(help="Conversations of each kind.", min=2)] = 5,
    documents: Annotated[int, typer.Option(help="Documents in the space.", min=0)] = 1,
) -> None:
    """Measure; fails when a prepared conversation's first token comes no sooner."""
    log_to_terminal("ERROR")
    with tempfile.TemporaryDirectory(prefix="obelisk-bench-") as folder:
        run_async(_prepare(Path(folder), rounds, documents))


async def _prepare(folder: Path, rounds: int, documents: int) -> None:
    begun = time.perf_counter()
    cold: list[First] = []
    warm: list[First] = []
    taken: list[float] = []
    async with AsyncExitStack() as stack:
        server = EmbeddedPostgres(folder / "postgres")
        await asyncio.to_thread(server.start)
        stack.push_async_callback(asyncio.to_thread, server.stop)
        database = await asyncpg.connect(server.dsn)
        stack.push_async_callback(database.close)
        model = LlamaChatModel(
            packaged_chat_model(), name="shipped", context_tokens=CONTEXT_TOKENS, parallel=2
        )
        stack.push_async_callback(model.close)
        await model.start()
        changed = {"database_url": SecretStr(server.dsn), "chat_sections": 0}
        place = await stack.enter_async_context(
            served(folder / "data", model, documents, changed=changed)
        )
        client = await stack.enter_async_context(
            ObeliskClient(place.grpc, token=place.token, space_id=place.space)
        )
        texts = iter(passages(2 * (rounds + 1) * TURNS))
        asked = iter(questions(2 * (rounds + 1)))
        for number in range(rounds + 1):
            conversations = [
                await _conversation(client, database, [next(texts) for _ in range(TURNS)])
                for _ in range(2)
            ]
            first = await _first_token(client, model, conversations[0], next(asked))
            ahead = await _prepared(client, conversations[1])
            second = await _first_token(client, model, conversations[1], next(asked))
            # The first of each warms the process itself.
            if number:
                cold.append(first)
                taken.append(ahead)
                warm.append(second)
    saved = 1 - _cpu_ms(warm) / _cpu_ms(cold)
    _show(cold, warm, taken)
    holds = saved >= LEAST_SAVED
    summary = {
        "benchmark": "prepare",
        "conversations": rounds,
        "turns": TURNS,
        "documents": documents,
        "first_token_ms_p50": _wall_ms(cold),
        "first_token_ms_p50_prepared": _wall_ms(warm),
        "model_cpu_ms_p50": _cpu_ms(cold),
        "model_cpu_ms_p50_prepared": _cpu_ms(warm),
        "prepare_ms_p50": _ms(taken),
        "saved_share": round(saved, 3),
        "python": machine.python_version(),
        "cores": os.cpu_count(),
        "elapsed_seconds": round(time.perf_counter() - begun, 1),
        "load_1m": round(os.getloadavg()[0], 2),
        "holds": holds,
    }
    print(json.dumps(summary), flush=True)
    if not holds:
        raise SavesNothing(f"preparing saves {saved:.0%}, not {LEAST_SAVED:.0%}")


async def _conversation(
    client: ObeliskClient, database: asyncpg.Connection, texts: list[str]
) -> str:
    """A conversation in which these answers were given."""
    created = await client.conversations.CreateConversation(
        conversation_pb2.CreateConversationRequest(title="Bench"), metadata=client.metadata
    )
    conversation = created.conversation.conversation_id
    ids = UUID(client.space_id), UUID(conversation)
    for turn, text in enumerate(texts, start=1):
        run = _entropy.uuid()
        for role, content in (
            ("user", text[: _CHARACTERS // 3]),
            ("assistant", text[:_CHARACTERS]),
        ):
            await database.execute(_MESSAGE, *ids, _entropy.uuid(), run, role, content, turn)
    return conversation


async def _prepared(client: ObeliskClient, conversation: str) -> float:
    begun = time.perf_counter()
    answer = await client.conversations.PrepareConversation(
        conversation_pb2.PrepareConversationRequest(conversation_id=conversation, agent=AGENT),
        metadata=client.metadata,
    )
    if not answer.warm:
        console.print("[yellow]a conversation was not warm in time[/]")
    return time.perf_counter() - begun


async def _first_token(
    client: ObeliskClient, model: LlamaChatModel, conversation: str, question: str
) -> First:
    """From the question to the first text; the rest of the answer is not waited for."""
    begun, worked, first = time.perf_counter(), _cpu(model), None
    run_id = ""
    async for event in client.ask(AGENT, question, conversation_id=conversation):
        run_id = run_id or event.queued.run_id
        if first is None and event.HasField("token_batch"):
            first = First(seconds=time.perf_counter() - begun, cpu=_cpu(model) - worked)
            request = run_pb2.CancelRunRequest(run_id=run_id)
            await client.runs.CancelRun(request, metadata=client.metadata)
    if first is None:
        raise SavesNothing(f"run {run_id} showed no text")
    return first


def _cpu(model: LlamaChatModel) -> float:
    """CPU seconds that the model's process has used."""
    stat = Path(f"/proc/{model.process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _show(cold: list[First], warm: list[First], taken: list[float]) -> None:
    table = Table(
        *("conversation", "first token ms p50", "model CPU ms p50", "PrepareConversation ms p50"),
        title=f"{len(cold)} conversations each, {TURNS} turns before the question",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, firsts, ahead in (("as it comes", cold, ""), ("prepared", warm, f"{_ms(taken):,}")):
        table.add_row(name, f"{_wall_ms(firsts):,}", f"{_cpu_ms(firsts):,}", ahead)
    console.print(table)


def _wall_ms(firsts: list[First]) -> float:
    return _ms([first.seconds for first in firsts])


def _cpu_ms(firsts: list[First]) -> float:
    return _ms([first.cpu for first in firsts])


def _ms(seconds: list[float]) -> float:
    return round(quantile(seconds, 0.5) * 1000, 1)


if __name__ == "__main__":
    typer.run(main)
