"""Numbered SQL migrations, applied in order under an advisory lock, each in its own transaction."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

import asyncpg

from adapters.postgres.direct import connect_directly
from adapters.postgres.errors import refusals_explained, translated
from adapters.postgres.queue_schema import bring_up
from adapters.postgres.statements import statements
from domain.errors import FailedPrecondition

_NAME = re.compile(r"^(?P<number>\d{4})_[a-z_]+\.sql$")
_LOCK = 0x0BE115C
_OLDEST_SERVER = 150000
_OLDEST_PGVECTOR = (0, 8)
_SQL = statements("migrate")


class SchemaTooNew(FailedPrecondition):
    reason = "SCHEMA_TOO_NEW"


class SchemaChanged(FailedPrecondition):
    reason = "SCHEMA_CHANGED"


class ServerTooOld(FailedPrecondition):
    reason = "DATABASE_TOO_OLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return sha256(self.sql.encode()).hexdigest()


def migrations() -> tuple[Migration, ...]:
    """Those that this code knows, in order; numbers count from 1 without a gap."""
    folder = files("adapters.postgres") / "migrations"
    found = [
        Migration(
            number=int(match["number"]), name=entry.name, sql=entry.read_text(encoding="utf-8")
        )
        for entry in folder.iterdir()
        if (match := _NAME.match(entry.name))
    ]
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise ValueError("migration numbers have a gap or stand twice")
    return tuple(found)


async def migrate(dsn: str, *, let_application_in: bool = False) -> tuple[str, ...]:
    """Bring the schema up to this code; return the names of the migrations applied now.

    `let_application_in` makes obelisk_app a login of its own: right for an embedded server, which
    only its owner can reach.

    Raises:
        SchemaTooNew: a newer Obelisk has migrated this database.
        SchemaChanged: a migration applied earlier reads differently now.
        ServerTooOld: PostgreSQL below 15, or pgvector below 0.8.
        DatabaseRefused: the login may not do this; a superuser may, and so may the database's owner
            with CREATEROLE where the extension vector has been created.
        DirectConnectionNeeded: `dsn` leads to a pooler.
        DatabaseUnavailable: nobody answers at `dsn`.
    """
    known = migrations()
    with translated(), refusals_explained():
        connection = await connect_directly(dsn, command_timeout=600)
        try:
            async with _locked(connection):
                await _check_server(connection)
                await connection.execute(_SQL["prepare"])
                applied = await _applied(connection, known)
                pending = known[len(applied) :]
                for migration in pending:
                    await _apply(connection, migration)
                await bring_up(connection)
                if let_application_in:
                    await connection.execute(_SQL["let_application_in"])
                return tuple(migration.name for migration in pending)
        finally:
            await connection.close()


@asynccontextmanager
async def _locked(connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncGenerator[None]:
    await connection.execute("select pg_advisory_lock($1)", _LOCK)
    try:
        yield
    finally:
        await connection.execute("select pg_advisory_unlock($1)", _LOCK)


async def _check_server(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    row = await connection.fetchrow(_SQL["versions"])
    if row is None or row["server"] < _OLDEST_SERVER:
        raise ServerTooOld("Obelisk needs PostgreSQL 15 or newer")
    version = row["pgvector"]
    if version is None:
        raise ServerTooOld("this PostgreSQL has no pgvector; install version 0.8 or newer")
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_PGVECTOR:
        raise ServerTooOld(f"Obelisk needs pgvector 0.8 or newer; this server has {version}")


async def _applied(
    connection: "asyncpg.Connection[asyncpg.Record]", known: tuple[Migration, ...]
) -> list[int]:
    rows = await connection.fetch(_SQL["applied"])
    if len(rows) > len(known):
        raise SchemaTooNew(
            f"the database is at migration {len(rows)}, this Obelisk knows {len(known)}; "
            "run the newer Obelisk"
        )
    for row, migration in zip(rows, known, strict=False):
        if row["sha256"] != migration.sha256:
            raise SchemaChanged(
                f"migration {migration.name} reads differently from the one applied here; "
                "migrations are never edited, add a new one"
            )
    return [row["number"] for row in rows]


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(_SQL["record"], migration.number, migration.name, migration.sha256)
