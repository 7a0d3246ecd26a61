"""What a turn costs at the beginning and at the end of a long conversation.

One conversation over the public client, the whole platform on embedded Postgres, a scripted model
that answers at once: latency, what the model is given, and what Postgres keeps of each turn.
"""

import asyncio
import json
import os
import platform as machine
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import asyncpg
import typer
from bench.corpus import questions
from bench.hosting import served
from bench.measuring import Ask, Sample
from bench.paced_model import FAST, PacedChatModel
from bench.report import console
from bench.turns_report import (
    EARLY,
    LATE_TURNS,
    Measured,
    Row,
    Sizes,
    Turn,
    rows_of,
    show,
    show_kept,
)
from pydantic import SecretStr

from adapters.postgres.embedded import EmbeddedPostgres
from domain.agents.chat import ChatChunk, ChatRequest
from domain.errors import FailedPrecondition
from entrypoints.cli.terminal import log_to_terminal, run_async
from obelisk.client import ObeliskClient
from obelisk.v1 import conversation_pb2

TOKENS = 200
DOCUMENTS = 40
AGENT = "email"
# The goals, as the project states them.
FLAT, MOST_KB_A_TURN = 0.2, 40.0
_SETTLE_SECONDS = 0.3

_SIZES = """
select n.nspname || '.' || coalesce(p.relname, c.relname) as name,
       sum(pg_total_relation_size(c.oid))::bigint as bytes
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_inherits i on i.inhrelid = c.oid
left join pg_class p on p.oid = i.inhparent
where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
group by 1 order by 1
"""
_OF_RUNS = """
select c.oid::regclass::text as name from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attname in ('run_id', 'thread_id')
where c.relkind in ('r', 'p') and not c.relispartition and not a.attisdropped
  and c.relname ~ '(checkpoint|journal)' order by 1
"""


class NotFlat(FailedPrecondition):
    reason = "NOT_FLAT"


class ListeningModel(PacedChatModel):
    """Also counts what it was given for the last answer."""

    prompt_tokens = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk]:
        given = sum(self.count_tokens(message.content) for message in request.messages)
        if "notes of a conversation" not in request.messages[0].content:
            self.prompt_tokens = given
        async with aclosing(super().stream(request)) as chunks:
            async for chunk in chunks:
                yield chunk


def main(
    turns: Annotated[int, typer.Option(help="Turns of the conversation.", min=60)] = 200,
) -> None:
    """Measure; fails when a turn costs more at the end, or too much is kept of it."""
    log_to_terminal("ERROR")
    with tempfile.TemporaryDirectory(prefix="obelisk-bench-") as folder:
        run_async(_turns(Path(folder), turns))


async def _turns(folder: Path, turns: int) -> None:
    begun = time.perf_counter()
    server = EmbeddedPostgres(folder / "postgres")
    await asyncio.to_thread(server.start)
    try:
        database = await asyncpg.connect(server.dsn)
        model = ListeningModel(TOKENS, FAST)
        changed = {"database_url": SecretStr(server.dsn), "chat_sections": 0}
        async with (
            served(folder / "data", model, DOCUMENTS, changed=changed) as place,
            ObeliskClient(place.grpc, token=place.token, space_id=place.space) as client,
        ):
            console.print(f"[dim]{turns} turns[/]")
            measured, sizes = await _conversations(client, model, database, turns)
        left = await _checkpoint_rows(database)
        folded = await database.fetchrow(
            "select version, length(content) as characters from obelisk.conversation_summaries"
            " order by version desc limit 1"
        )
        await database.close()
    finally:
        await asyncio.to_thread(server.stop)
    rows = rows_of(measured, sizes, turns)
    faults = _faults(rows, left)
    if folded is None:
        faults.append("the conversation was never summed up")
    show(rows, f"{turns} turns of {TOKENS} tokens in one conversation")
    show_kept(sizes)
    summary = {
        "benchmark": "turns",
        "turns": turns,
        "tokens_per_turn": TOKENS,
        "documents": DOCUMENTS,
        "python": machine.python_version(),
        "cores": os.cpu_count(),
        "elapsed_seconds": round(time.perf_counter() - begun, 1),
        "load_1m": round(os.getloadavg()[0], 2),
        "rows": [asdict(row) for row in rows],
        "kept_kb_a_turn": rows[-1].kept_kb,
        "checkpoint_rows": left,
        "summary": dict(folded) if folded else None,
        "faults": faults,
        "holds": not faults,
    }
    print(json.dumps(summary), flush=True)
    if faults:
        raise NotFlat("; ".join(faults))


async def _conversations(
    client: ObeliskClient, model: ListeningModel, database: asyncpg.Connection, turns: int
) -> tuple[Measured, Sizes]:
    """The end of one conversation beside the beginning of another: a busy machine hits both."""
    long, short = [await _conversation(client, model) for _ in range(2)]
    asked = iter(questions(turns + EARLY[1]))
    begin, end = EARLY
    first = [await long(next(asked)) for _ in range(begin)]
    sizes = {begin: await _sizes(database)}
    first += [await long(next(asked)) for _ in range(turns - LATE_TURNS - begin)]
    sizes[len(first)] = await _sizes(database)
    for _ in range(begin):
        await short(next(asked))
    early, last = [], []
    for _ in range(end - begin):
        early.append(await short(next(asked)))
        last.append(await long(next(asked)))
    sizes[turns + end] = await _sizes(database)
    return Measured(first=first, early=early, last=last), sizes


async def _conversation(
    client: ObeliskClient, model: ListeningModel
) -> Callable[[str], Awaitable[Turn]]:
    created = await client.conversations.CreateConversation(
        conversation_pb2.CreateConversationRequest(title="Bench"), metadata=client.metadata
    )
    ask = _asks_in(client, created.conversation.conversation_id)

    async def turn(question: str) -> Turn:
        cpu = time.process_time()
        sample = await ask(question)
        return Turn(
            first_token_ms=sample.first_token * 1000,
            whole_ms=sample.whole * 1000,
            cpu_ms=(time.process_time() - cpu) * 1000,
            prompt_tokens=model.prompt_tokens,
        )

    return turn


def _asks_in(client: ObeliskClient, conversation: str) -> Ask:
    async def ask(question: str) -> Sample:
        begun = time.perf_counter()
        first, size = None, 0
        async for event in client.ask(AGENT, question, conversation_id=conversation):
            if first is None and event.HasField("token_batch"):
                first = time.perf_counter() - begun
            size += event.ByteSize()
        whole = time.perf_counter() - begun
        return Sample(
            first_token=whole if first is None else first,
            whole=whole,
            size_bytes=size,
            text_bytes=size,
        )

    return ask


async def _sizes(database: asyncpg.Connection) -> dict[str, int]:
    """Bytes by table, its indexes and long values with it, once what was deleted is free again."""
    await asyncio.sleep(_SETTLE_SECONDS)
    await database.execute("vacuum")
    return {row["name"]: row["bytes"] for row in await database.fetch(_SIZES)}


async def _checkpoint_rows(database: asyncpg.Connection) -> int:
    """Rows that ended runs have left behind in any table that remembers a run's work."""
    counts = [
        await database.fetchval(f"select count(*) from {row['name']}")
        for row in await database.fetch(_OF_RUNS)
    ]
    return sum(counts)


def _faults(rows: Sequence[Row], left: int) -> list[str]:
    early, late, whole = rows[-3:]
    faults = []
    for what, before, after in (
        ("the first token comes", early.first_token_ms, late.first_token_ms),
        ("a turn takes", early.whole_ms, late.whole_ms),
    ):
        if after > before * (1 + FLAT):
            faults.append(
                f"{what} after {after} ms at turns {late.turns}, over {FLAT:.0%} above the "
                f"{before} ms of turns {early.turns}"
            )
    if whole.kept_kb > MOST_KB_A_TURN:
        faults.append(f"{whole.kept_kb} KB are kept of a turn, over {MOST_KB_A_TURN:g}")
    if left:
        faults.append(f"{left} checkpoint rows of ended runs are left")
    return faults


if __name__ == "__main__":
    typer.run(main)
