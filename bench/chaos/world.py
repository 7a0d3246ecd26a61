"""The installation under test: Postgres, Valkey, the way to it, two servers and two workers."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import unquote, urlsplit

from bench.chaos.announcements import AnnouncementProxy
from bench.chaos.member import Kind, MemberConfig
from bench.chaos.members import Members, free_port

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from adapters.postgres.pool import APPLICATION_ROLE
from adapters.redis.embedded import EmbeddedValkey
from domain.errors import FailedPrecondition

KINDS: tuple[Kind, ...] = ("server", "server", "worker", "worker")


class DidNotStart(FailedPrecondition):
    reason = "DID_NOT_START"


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that can be broken, and the folder that holds all of it."""

    folder: Path
    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey
    proxy: AnnouncementProxy
    members: Members

    @property
    def effects(self) -> Path:
        return self.folder / "effects.jsonl"

    @property
    def story(self) -> Path:
        """What was broken, and when."""
        return self.folder / "faults.txt"

    @property
    def data_dir(self) -> Path:
        return self.folder / "obelisk"

    async def restart_postgres(self, *, killed: bool, away: float) -> None:
        """Stop it fast or kill it; start it again after `away` seconds."""
        if killed:
            os.kill(self.postgres.pid, signal.SIGKILL)
        await asyncio.to_thread(self.postgres.stop)
        await asyncio.sleep(away)
        await asyncio.to_thread(self.postgres.start)

    async def restart_valkey(self, *, away: float) -> None:
        """Kill it; start it again, empty, after `away` seconds."""
        os.kill(self.valkey.pid, signal.SIGKILL)
        await asyncio.to_thread(self.valkey.stop)
        await asyncio.sleep(away)
        await asyncio.to_thread(self.valkey.start)


@asynccontextmanager
async def world(folder: Path, kinds: tuple[Kind, ...], chance: Random) -> AsyncGenerator[World]:
    """All of it, started; ended on the way out, the processes first."""
    async with AsyncExitStack() as stack:
        postgres = EmbeddedPostgres(folder / "postgres")
        stack.push_async_callback(asyncio.to_thread, postgres.stop)
        await asyncio.to_thread(postgres.start)
        await migrate(postgres.dsn, let_application_in=True)
        valkey = EmbeddedValkey(folder / "valkey")
        stack.push_async_callback(asyncio.to_thread, valkey.stop)
        await asyncio.to_thread(valkey.start)
        upstream = Path(unquote(urlsplit(valkey.url).path))
        proxy = AnnouncementProxy(folder / "announce.sock", upstream, chance)
        await stack.enter_async_context(proxy)
        members = Members(
            [_config(folder, kind, n, postgres, proxy) for n, kind in enumerate(kinds)]
        )
        made = World(folder=folder, postgres=postgres, valkey=valkey, proxy=proxy, members=members)
        stack.push_async_callback(members.stop)
        # One after the other at first: the second finds the keys that the first has made.
        for member in members.all:
            await members.start(member)
            if not member.ready:
                said = Path(member.config.log).read_text(errors="replace")[-2_000:]
                raise DidNotStart(f"{member.name} ended while it started:\n{said}")
        yield made


def _config(
    folder: Path, kind: Kind, number: int, postgres: EmbeddedPostgres, proxy: AnnouncementProxy
) -> MemberConfig:
    return MemberConfig(
        kind=kind,
        data_dir=str(folder / "obelisk"),
        grpc_port=free_port(),
        rest_port=free_port(),
        owner_dsn=postgres.dsn,
        application_dsn=postgres.dsn_for(APPLICATION_ROLE, "postgres"),
        redis_url=proxy.url,
        log=str(folder / f"{kind}-{number}.log"),
        effects=str(folder / "effects.jsonl"),
    )
