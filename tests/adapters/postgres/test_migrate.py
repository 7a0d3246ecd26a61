"""Migrations against real servers: fresh, twice, at once, by other hands, and refused."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio

from adapters.postgres.errors import DatabaseRefused, DatabaseUnavailable
from adapters.postgres.migrate import SchemaChanged, SchemaTooNew, migrate, migrations
from adapters.postgres.pool import Pool
from fixtures.making import new_home
from fixtures.postgres import Database, PostgresServer, started_postgres
from fixtures.stores import postgres_stores

NAMES = tuple(migration.name for migration in migrations())


@pytest_asyncio.fixture
async def empty(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    async with postgres_server.database("template0") as database:
        yield database


@pytest.fixture(scope="module")
def bare_server() -> Iterator[PostgresServer]:
    """A server on which nobody has made Obelisk's roles yet."""
    with started_postgres() as server:
        yield server


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def _run(dsn: str, *statements: str) -> None:
    async with _connected(dsn) as connection:
        for statement in statements:
            await connection.execute(statement)


async def _schema_exists(dsn: str) -> bool:
    async with _connected(dsn) as connection:
        return bool(await connection.fetchval("select to_regnamespace('obelisk') is not null"))


async def test_an_empty_database_is_brought_up_to_date(empty: Database) -> None:
    assert await migrate(empty.superuser_dsn) == NAMES
    async with _connected(empty.superuser_dsn) as connection:
        rows = await connection.fetch("select * from public.obelisk_migrations order by number")
    assert [row["name"] for row in rows] == list(NAMES)
    assert [row["sha256"] for row in rows] == [migration.sha256 for migration in migrations()]


async def test_migrating_again_does_nothing(empty: Database) -> None:
    await migrate(empty.superuser_dsn)
    assert await migrate(empty.superuser_dsn) == ()


async def test_many_at_once_migrate_once(empty: Database) -> None:
    answers = await asyncio.gather(*(migrate(empty.superuser_dsn) for _ in range(4)))
    assert sorted(answers) == [(), (), (), NAMES]


async def test_a_migrated_database_serves_the_application(fresh_database: Database) -> None:
    pool = await Pool.open(fresh_database.dsn)
    stores = postgres_stores(pool)
    home = await new_home(stores.tenancy)
    assert await stores.tenancy.access_to(home.space, home.owner)
    await pool.close()


async def test_a_database_of_a_newer_obelisk_is_refused(fresh_database: Database) -> None:
    newer = "insert into public.obelisk_migrations (number, name, sha256) values (9999, 'x', 'y')"
    await _run(fresh_database.superuser_dsn, newer)
    with pytest.raises(SchemaTooNew, match="run the newer Obelisk"):
        await migrate(fresh_database.superuser_dsn)


async def test_a_migration_that_was_edited_is_refused(fresh_database: Database) -> None:
    edited = "update public.obelisk_migrations set sha256 = repeat('0', 64) where number = 2"
    await _run(fresh_database.superuser_dsn, edited)
    with pytest.raises(SchemaChanged, match=NAMES[1]):
        await migrate(fresh_database.superuser_dsn)


async def test_a_migration_that_fails_leaves_nothing_and_can_be_tried_again(
    empty: Database,
) -> None:
    await _run(empty.superuser_dsn, "create schema obelisk")
    with pytest.raises(asyncpg.DuplicateSchemaError):
        await migrate(empty.superuser_dsn)
    async with _connected(empty.superuser_dsn) as connection:
        assert await connection.fetch("select * from public.obelisk_migrations") == []
        assert await connection.fetchval("select to_regclass('obelisk.spaces')") is None
    await _run(empty.superuser_dsn, "drop schema obelisk")
    assert await migrate(empty.superuser_dsn) == NAMES


async def test_a_failed_migration_gives_its_lock_back(empty: Database) -> None:
    await _run(empty.superuser_dsn, "create schema obelisk")
    with pytest.raises(asyncpg.DuplicateSchemaError):
        await migrate(empty.superuser_dsn)
    async with _connected(empty.superuser_dsn) as connection:
        held = "select count(*) from pg_locks where locktype = 'advisory' and granted"
        assert await connection.fetchval(held) == 0


async def test_a_dead_server_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable):
        await migrate("postgresql://postgres@localhost:1/postgres")


async def test_the_owner_of_a_database_can_migrate_it_without_being_superuser(
    bare_server: PostgresServer,
) -> None:
    await _run(
        bare_server.dsn("postgres", "postgres"),
        "create role keeper login createrole",
        "create database kept owner keeper",
        "create database kept_too owner keeper",
    )
    for name in ("kept", "kept_too"):
        await _run(bare_server.dsn("postgres", name), "create extension vector")
        assert await migrate(bare_server.dsn("keeper", name)) == NAMES
        assert await migrate(bare_server.dsn("keeper", name)) == ()
        pool = await Pool.open(bare_server.dsn("keeper", name))
        stores = postgres_stores(pool)
        home = await new_home(stores.tenancy)
        assert await stores.tenancy.access_to(home.space, home.owner)
        assert await stores.workers.reap() == 0
        await pool.close()


async def test_a_login_that_may_not_migrate_is_told_why(bare_server: PostgresServer) -> None:
    await _run(
        bare_server.dsn("postgres", "postgres"),
        "create role visitor login",
        "create database visited",
    )
    with pytest.raises(DatabaseRefused, match="permission denied"):
        await migrate(bare_server.dsn("visitor", "visited"))
    assert not await _schema_exists(bare_server.dsn("postgres", "visited"))


async def test_an_embedded_server_can_let_the_application_in(bare_server: PostgresServer) -> None:
    await _run(bare_server.dsn("postgres", "postgres"), "create database embedded")
    dsn = bare_server.dsn("postgres", "embedded")
    assert await migrate(dsn, let_application_in=True) == NAMES
    pool = await Pool.open(bare_server.dsn("obelisk_app", "embedded"))
    home = await new_home(postgres_stores(pool).tenancy)
    assert await postgres_stores(pool).tenancy.access_to(home.space, home.owner)
    await pool.close()
