"""Real servers for every test that asks for one: started once, found empty by each test."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from adapters.postgres.pool import Pool
from adapters.redis.embedded import EmbeddedValkey
from fixtures.pgbouncer import PgBouncer, started_pgbouncer
from fixtures.postgres import (
    APPLICATION_LOGIN,
    Database,
    PostgresServer,
    SharedDatabase,
    shared,
    started_postgres,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: begun last, one of them would keep a single worker waiting."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)


@pytest_asyncio.fixture(scope="session")
async def postgres_server() -> AsyncIterator[PostgresServer]:
    with started_postgres() as server:
        await server.prepare()
        yield server


@pytest_asyncio.fixture(scope="session")
async def shared_database(postgres_server: PostgresServer) -> AsyncIterator[SharedDatabase]:
    async with postgres_server.database() as made, shared(made) as database:
        yield database


@pytest_asyncio.fixture
async def pool(shared_database: SharedDatabase) -> Pool:
    """Connections as the application has them, to a database that holds nothing yet.

    The database is the session's; a test that changes its schema takes `fresh_database`.
    """
    await shared_database.empty()
    return shared_database.pool


@pytest.fixture(scope="session")
def pooler(postgres_server: PostgresServer) -> Iterator[PgBouncer]:
    """PgBouncer in transaction mode, with fewer sessions than it has clients."""
    with started_pgbouncer(postgres_server.embedded) as bouncer:
        yield bouncer


@pytest_asyncio.fixture
async def pooled(
    pool: Pool, pooler: PgBouncer, shared_database: SharedDatabase
) -> AsyncIterator[Pool]:
    """As `pool`, and through PgBouncer."""
    dsn = pooler.dsn(APPLICATION_LOGIN, shared_database.database.name)
    opened = await Pool.open(dsn, pooler=True)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def fresh_database(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    """A migrated, empty database of the test's own."""
    async with postgres_server.database() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="valkey-", dir="/tmp"))
    with EmbeddedValkey(folder) as server:
        yield server.url
    shutil.rmtree(folder)


@pytest_asyncio.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    """A client of an empty Valkey."""
    async with Redis.from_url(valkey_url) as client:
        await client.flushall()
        yield client
