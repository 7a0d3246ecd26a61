"""What verifying an access token adds to a request: RS256, tokens of 4 KB, first sight and after.

The platform is real: keys sealed in embedded Postgres, its authority polled ten times a second.
Tokens carry as many spaces as fit; each call gets a string of its own, as a request would.
"""

import asyncio
import json
import os
import platform as machine
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

# Before gRPC is imported, and before the modules beside this one are.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import typer
from bench.measuring import quantile
from bench.report import console
from rich.table import Table

from application.auth.authenticate import Authenticate
from application.context import Caller
from domain.auth.claims import Claims
from domain.errors import FailedPrecondition
from domain.identifiers import OrganizationId, SessionId, SpaceId, UserId
from domain.tenancy.access import ORGANIZATION_PERMISSIONS, Role
from entrypoints.cli.terminal import log_to_terminal, run_async
from entrypoints.container import Container
from entrypoints.settings import Settings
from entrypoints.startup import platform

MOST_MICROSECONDS = 60.0
MOST_CHARACTERS = 4096
_FEWEST_CHARACTERS = 4000
_CALLER = Caller(correlation_id="bench")
_WARM_UP = 200


class DoesNotHold(FailedPrecondition):
    reason = "DOES_NOT_HOLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Microseconds of one call."""

    what: str
    sight: str
    calls: int
    p50_us: float
    p95_us: float
    p99_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A token, and one of the spaces that it opens."""

    token: bytes
    space: SpaceId


def main(
    tokens: Annotated[int, typer.Option(help="Different tokens.", min=10, max=2000)] = 1000,
    rounds: Annotated[int, typer.Option(help="How often each is seen again.", min=1)] = 10,
) -> None:
    """Measure; fails when verifying a token that was seen before takes 60 us or more (p50)."""
    log_to_terminal("ERROR")
    with tempfile.TemporaryDirectory(prefix="obelisk-bench-") as folder:
        run_async(_auth(Path(folder), tokens, rounds))


async def _auth(folder: Path, tokens: int, rounds: int) -> None:
    begun = time.perf_counter()
    async with platform(_settings(folder), lambda _: None) as container:
        await _measured(container, await _tickets(container, _WARM_UP), 1)
        tickets = await _tickets(container, tokens)
        rows = await _measured(container, tickets, rounds)
        carried = len(container.signer().verify(tickets[0].token.decode()).spaces or ())
    faults = [
        f"{row.what}: p50 {row.p50_us} us once seen, not under {MOST_MICROSECONDS:.0f}"
        for row in rows
        if row.sight == "again" and row.p50_us >= MOST_MICROSECONDS
    ]
    length = len(tickets[0].token)
    _show(rows, f"{tokens} tokens of {length} characters, {carried} spaces each")
    summary = {
        "benchmark": "auth",
        "tokens": tokens,
        "token_characters": length,
        "spaces_per_token": carried,
        "algorithm": "RS256",
        "limit_us_p50": MOST_MICROSECONDS,
        "python": machine.python_version(),
        "cores": os.cpu_count(),
        "elapsed_seconds": round(time.perf_counter() - begun, 1),
        "load_1m": round(os.getloadavg()[0], 2),
        "rows": [asdict(row) for row in rows],
        "faults": faults,
        "holds": not faults,
    }
    print(json.dumps(summary), flush=True)
    if faults:
        raise DoesNotHold("; ".join(faults))


async def _measured(container: Container, tickets: Sequence[Ticket], rounds: int) -> list[Row]:
    """The verifier alone on one half of the tokens, the whole way in on the other."""
    signer, authenticate = container.signer(), container.authenticate()

    async def verify(token: str, _: str) -> None:
        signer.verify(token)

    half = len(tickets) // 2
    return [
        *await _rows("verify", verify, tickets[:half], rounds),
        *await _rows("authenticate", _entering(authenticate), tickets[half:], rounds),
    ]


def _entering(authenticate: Authenticate) -> Callable[[str, str], Awaitable[None]]:
    async def enter(token: str, space: str) -> None:
        await authenticate(
            authorization=f"Bearer {token}",
            space_header=space,
            caller=_CALLER,
            needs_space=True,
        )

    return enter


async def _rows(
    what: str,
    call: Callable[[str, str], Awaitable[None]],
    tickets: Sequence[Ticket],
    rounds: int,
) -> list[Row]:
    first = [await _timed(call, ticket) for ticket in tickets]
    again: list[float] = []
    for _ in range(rounds):
        await asyncio.sleep(0)
        shuffled = random.sample(tickets, len(tickets))
        again += [await _timed(call, ticket) for ticket in shuffled]
    return [_row(what, "first", first), _row(what, "again", again)]


async def _timed(call: Callable[[str, str], Awaitable[None]], ticket: Ticket) -> float:
    # New strings: Python remembers the hash of one that it has seen.
    token, space = ticket.token.decode(), str(ticket.space)
    begun = time.perf_counter()
    await call(token, space)
    return time.perf_counter() - begun


async def _tickets(container: Container, count: int) -> list[Ticket]:
    """Tokens of owners of as many spaces as fit."""
    signer, now = container.signer(), container.clock().now()
    spaces = _fitting(container)
    found = []
    for _ in range(count):
        given = {SpaceId(uuid4()): list(Role)[n % len(Role)] for n in range(spaces)}
        claims = Claims(
            subject=UserId(uuid4()),
            session_id=SessionId(uuid4()),
            token_id=str(uuid4()),
            issue_time=now,
            expire_time=now + timedelta(minutes=15),
            organization_id=OrganizationId(uuid4()),
            permissions=ORGANIZATION_PERMISSIONS[Role.OWNER],
            spaces=given,
        )
        token = signer.sign(claims)
        if not _FEWEST_CHARACTERS <= len(token) <= MOST_CHARACTERS:
            raise DoesNotHold(f"a token has {len(token)} characters, not 4 KB")
        found.append(Ticket(token=token.encode(), space=next(iter(given))))
        await asyncio.sleep(0)
    return found


def _fitting(container: Container) -> int:
    """How many spaces the longest token carries."""
    signer, now = container.signer(), container.clock().now()
    nobody = UUID(int=0)
    for count in range(150, 0, -1):
        claims = Claims(
            subject=UserId(nobody),
            session_id=SessionId(nobody),
            token_id=str(nobody),
            issue_time=now,
            expire_time=now + timedelta(minutes=15),
            organization_id=OrganizationId(nobody),
            permissions=ORGANIZATION_PERMISSIONS[Role.OWNER],
            spaces={SpaceId(UUID(int=n)): list(Role)[n % len(Role)] for n in range(count)},
        )
        if signer.verify(signer.sign(claims)).spaces is not None:
            return count
    raise DoesNotHold("no token carries any space")


def _row(what: str, sight: str, seconds: Sequence[float]) -> Row:
    p50, p95, p99 = (round(quantile(seconds, q) * 1e6, 1) for q in (0.5, 0.95, 0.99))
    return Row(what=what, sight=sight, calls=len(seconds), p50_us=p50, p95_us=p95, p99_us=p99)


def _show(rows: Sequence[Row], about: str) -> None:
    table = Table("call", "sight", "calls", "p50 us", "p95 us", "p99 us")
    table.title = f"What a token adds to a request ({about})"
    for row in rows:
        figures = (f"{figure:,.1f}" for figure in (row.p50_us, row.p95_us, row.p99_us))
        table.add_row(row.what, row.sight, f"{row.calls:,}", *figures)
    for column in table.columns[2:]:
        column.justify = "right"
    console.print(table)
    console.print(
        "verify: the token alone. authenticate: revocations, epochs and the space besides.",
        style="dim",
    )


def _settings(data_dir: Path) -> Settings:
    """Embedded, whatever this machine's environment says."""
    return Settings().model_copy(
        update={
            "data_dir": data_dir,
            "database_url": None,
            "app_database_url": None,
            "redis_url": None,
            "master_key": None,
            "master_key_file": None,
            # Never asked: it keeps the embedded model from being loaded.
            "chat_url": "http://127.0.0.1:9/v1",
            "chat_model": "none",
            "embedding_url": None,
        }
    )


if __name__ == "__main__":
    typer.run(main)
