"""The pool: whom it refuses, what it says of a server that is away, what it leaves behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import asyncpg
import pytest
import pytest_asyncio
from pgvector.asyncpg import register_vector

from adapters.postgres.errors import DatabaseRefused, DatabaseUnavailable
from adapters.postgres.pool import Pool, RoleTooPowerful, SchemaMissing
from domain.errors import FailedPrecondition, Unavailable
from domain.identifiers import SpaceId, UserId
from fixtures.making import MODEL, Home, axis, new_home, new_id
from fixtures.postgres import Database, PostgresServer, SharedDatabase
from fixtures.stores import postgres_stores

SPACE = "select current_setting('app.space_id', true), obelisk.current_space()"
USER = "select current_setting('app.user_id', true), obelisk.current_user_id()"


async def _no_reset(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """As behind a pooler that hands a session on as it is."""


@pytest_asyncio.fixture
async def narrow(pool: Pool, shared_database: SharedDatabase) -> AsyncIterator[Pool]:
    """A pool of one connection, which each transaction finds as the one before has left it."""
    opened = await asyncpg.create_pool(
        shared_database.database.dsn,
        min_size=1,
        max_size=1,
        init=register_vector,
        reset=_no_reset,
        server_settings={"role": "obelisk_app"},
    )
    yield Pool(opened)
    await opened.close()


@pytest_asyncio.fixture
async def home(pool: Pool) -> Home:
    return await new_home(postgres_stores(pool).tenancy)


@pytest.mark.parametrize("power", ["superuser", "bypassrls"])
async def test_a_role_above_row_level_security_is_refused(
    fresh_database: Database, power: str
) -> None:
    superuser = await asyncpg.connect(fresh_database.superuser_dsn)
    await superuser.execute(f"alter role obelisk_app {power}")
    try:
        with pytest.raises(RoleTooPowerful, match="row-level security"):
            await Pool.open(fresh_database.dsn)
        left = "select count(*) from pg_stat_activity where usename = 'obelisk_app_login' and "
        assert await superuser.fetchval(left + f"datname = '{fresh_database.name}'") == 0
    finally:
        await superuser.execute(f"alter role obelisk_app no{power}")
        await superuser.close()


async def test_a_superuser_who_connects_works_as_the_application(fresh_database: Database) -> None:
    pool = await Pool.open(fresh_database.superuser_dsn)
    async with pool.connection() as connection:
        assert await connection.fetchval("select current_user") == "obelisk_app"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("create table obelisk.mine ()")
    # The second user of a connection finds the same role as the first.
    async with pool.connection() as connection:
        assert await connection.fetchval("select current_user") == "obelisk_app"
    await pool.close()


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://obelisk_app_login@localhost:1/obelisk",
        "postgresql://obelisk_app_login@/obelisk?host=/nowhere",
    ],
)
async def test_a_dead_server_is_unavailable(dsn: str) -> None:
    with pytest.raises(DatabaseUnavailable) as refusal:
        await Pool.open(dsn)
    assert isinstance(refusal.value, Unavailable)
    assert "obelisk_app_login" not in str(refusal.value)


@pytest.mark.parametrize(
    ("user", "database", "said"),
    [
        ("nobody", "postgres", 'role "nobody" does not exist'),
        ("postgres", "missing", 'database "missing" does not exist'),
        ("outsider", "postgres", "permission denied to set role"),
    ],
)
async def test_a_login_that_is_wrong_is_told_why(
    postgres_server: PostgresServer, user: str, database: str, said: str
) -> None:
    superuser = await asyncpg.connect(postgres_server.dsn("postgres", "postgres"))
    with suppress(asyncpg.DuplicateObjectError):
        await superuser.execute("create role outsider login")
    await superuser.close()
    with pytest.raises(DatabaseRefused, match=said) as refusal:
        await Pool.open(postgres_server.dsn(user, database))
    assert isinstance(refusal.value, FailedPrecondition)


@pytest.mark.parametrize("dsn", ["mysql://localhost/x", "postgresql://localhost:port/x"])
async def test_an_address_that_is_none_is_refused(dsn: str) -> None:
    with pytest.raises(DatabaseRefused):
        await Pool.open(dsn)


async def test_a_database_that_was_never_migrated_is_refused(
    postgres_server: PostgresServer,
) -> None:
    async with postgres_server.database("template0") as empty:
        with pytest.raises(SchemaMissing, match="obelisk migrate"):
            await Pool.open(empty.dsn)


async def test_the_space_does_not_leak_into_the_next_transaction(narrow: Pool) -> None:
    space = SpaceId(new_id())
    async with narrow.in_space(space) as connection:
        assert tuple(await connection.fetchrow(SPACE) or ()) == (str(space), space)
        backend = await connection.fetchval("select pg_backend_pid()")
    async with narrow.connection() as connection:
        assert await connection.fetchval("select pg_backend_pid()") == backend
        setting, current = await connection.fetchrow(SPACE) or ("?", "?")
    assert not setting
    assert current is None


async def test_neither_a_failure_nor_a_cancellation_leaks_the_space(narrow: Pool) -> None:
    async def sleep_in_space() -> None:
        async with narrow.in_space(new_id()) as connection:
            await connection.execute("select pg_sleep(60)")

    with pytest.raises(ZeroDivisionError):
        async with narrow.in_space(new_id()):
            raise ZeroDivisionError
    sleeping = asyncio.ensure_future(sleep_in_space())
    await asyncio.sleep(0.05)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    async with narrow.connection() as connection:
        _, current = await connection.fetchrow(SPACE) or ("?", "?")
    assert current is None


async def test_functions_that_set_their_own_space_leave_none(narrow: Pool, home: Home) -> None:
    stores = postgres_stores(narrow)
    await stores.index.of_documents(home.space, documents=[], vector=axis(0), model=MODEL, limit=1)
    async with narrow.connection() as connection:
        _, current = await connection.fetchrow(SPACE) or ("?", "?")
    assert current is None


async def test_a_user_and_a_space_are_confined_apart(narrow: Pool, home: Home) -> None:
    async with narrow.as_user(UserId(home.owner)) as connection:
        assert await connection.fetchval("select obelisk.current_space()") is None
        assert await connection.fetchval("select count(*) from obelisk.spaces") == 1
    async with narrow.in_space(home.space) as connection:
        setting, current = await connection.fetchrow(USER) or ("?", "?")
        assert not setting
        assert current is None
        assert await connection.fetchval("select count(*) from obelisk.spaces") == 0


async def test_a_failed_transaction_keeps_nothing(pool: Pool, home: Home) -> None:
    insert = (
        "insert into obelisk.conversations (space_id, conversation_id, title, create_time)"
        " values ($1, $2, 'x', now())"
    )

    async def fail() -> None:
        async with pool.in_space(home.space) as connection:
            await connection.execute(insert, home.space, new_id())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with pool.in_space(home.space) as connection:
        assert await connection.fetchval("select count(*) from obelisk.conversations") == 0


async def test_a_session_that_is_ended_is_unavailable_and_the_next_one_works(
    narrow: Pool, shared_database: SharedDatabase
) -> None:
    async with narrow.connection() as connection:
        backend = await connection.fetchval("select pg_backend_pid()")

    async def end() -> None:
        await asyncio.sleep(0.05)
        await shared_database.superuser.execute("select pg_terminate_backend($1)", backend)

    async def sleep() -> None:
        async with narrow.connection() as connection:
            await connection.execute("select pg_sleep(60)")

    ending = asyncio.ensure_future(end())
    with pytest.raises(DatabaseUnavailable):
        await sleep()
    await ending
    async with narrow.connection() as connection:
        assert await connection.fetchval("select pg_backend_pid()") != backend


async def test_a_session_that_ended_while_it_was_idle_is_replaced(
    narrow: Pool, shared_database: SharedDatabase
) -> None:
    async with narrow.connection() as connection:
        backend = await connection.fetchval("select pg_backend_pid()")
    await shared_database.superuser.execute("select pg_terminate_backend($1, 5000)", backend)
    await asyncio.sleep(0.05)
    async with narrow.connection() as connection:
        assert await connection.fetchval("select pg_backend_pid()") != backend


async def test_a_pool_closes_although_somebody_does_not_let_go(
    fresh_database: Database,
) -> None:
    pool = await Pool.open(fresh_database.dsn, max_size=1)
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(pool.connection())
        async with asyncio.timeout(5):
            await pool.close(patience=0.1)
        with pytest.raises(asyncpg.InterfaceError):
            await connection.fetchval("select 1")
