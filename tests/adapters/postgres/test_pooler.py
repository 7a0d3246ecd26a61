"""Behind PgBouncer in transaction mode: sessions are shared, tenants are not."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from adapters.postgres.direct import DirectConnectionNeeded
from adapters.postgres.migrate import migrate
from adapters.postgres.pool import LoginNotLetIn, Pool, PoolerUnannounced, RoleTooPowerful
from domain.errors import InvalidInput
from domain.identifiers import RunId, SpaceId, WorkerId
from domain.runs.event import RunPaused
from domain.runs.lease import WorkerKind
from entrypoints.settings import Settings
from entrypoints.startup import database
from fixtures.dispatching import until
from fixtures.making import Home, document, new_home, new_id, run
from fixtures.pgbouncer import PgBouncer, started_pgbouncer
from fixtures.postgres import APPLICATION_LOGIN, PostgresServer, SharedDatabase
from fixtures.stores import postgres_stores

pytestmark = pytest.mark.pooler
SEEN = """
    select pg_backend_pid() as backend, current_user as role, obelisk.current_space() as space,
           obelisk.current_user_id() as "user", obelisk.current_organization() as organization
"""


@pytest.fixture(scope="module")
def narrow_bouncer(postgres_server: PostgresServer) -> Iterator[PgBouncer]:
    """One server session for everybody, so that each transaction finds what the last one left."""
    with started_pgbouncer(postgres_server.embedded, sessions=1) as bouncer:
        yield bouncer


@pytest_asyncio.fixture
async def narrow(
    pool: Pool, shared_database: SharedDatabase, narrow_bouncer: PgBouncer
) -> AsyncIterator[Pool]:
    dsn = narrow_bouncer.dsn(APPLICATION_LOGIN, shared_database.database.name)
    opened = await Pool.open(dsn, pooler=True)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def home(narrow: Pool) -> Home:
    return await new_home(postgres_stores(narrow).tenancy)


@pytest_asyncio.fixture
async def login(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """A login that nobody has let in."""
    superuser = await asyncpg.connect(postgres_server.dsn("postgres", "postgres"))
    await superuser.execute("create role passer_by login")
    yield "passer_by"
    await superuser.execute("drop role passer_by")
    await superuser.close()


async def test_a_pooler_that_was_not_announced_is_told_from_a_server_that_is_down(
    pooler: PgBouncer, shared_database: SharedDatabase
) -> None:
    with pytest.raises(PoolerUnannounced, match="OBELISK_DATABASE_POOLER=true"):
        await Pool.open(pooler.dsn(APPLICATION_LOGIN, shared_database.database.name))


async def test_a_superuser_is_refused_because_no_role_is_taken(
    pooler: PgBouncer, shared_database: SharedDatabase
) -> None:
    with pytest.raises(RoleTooPowerful, match="row-level security"):
        await Pool.open(pooler.dsn("postgres", shared_database.database.name), pooler=True)


@pytest.mark.parametrize("role", ["obelisk_search", "obelisk_system", "obelisk_identity"])
async def test_a_login_with_a_role_that_sees_all_tenants_is_refused(
    shared_database: SharedDatabase, postgres_server: PostgresServer, login: str, role: str
) -> None:
    await shared_database.superuser.execute(f"grant obelisk_app, {role} to {login}")
    with pytest.raises(RoleTooPowerful):
        await Pool.open(postgres_server.dsn(login, shared_database.database.name), pooler=True)


@pytest.mark.parametrize("grant", ["select 1", "grant obelisk_app to passer_by with inherit false"])
async def test_a_login_that_does_not_inherit_the_applications_rights_is_told_so(
    shared_database: SharedDatabase, postgres_server: PostgresServer, login: str, grant: str
) -> None:
    await shared_database.superuser.execute(grant)
    with pytest.raises(LoginNotLetIn, match="grant obelisk_app to"):
        await Pool.open(postgres_server.dsn(login, shared_database.database.name), pooler=True)


async def test_policies_hold_for_a_login_by_inheritance(narrow: Pool) -> None:
    stores = postgres_stores(narrow)
    home, away = await new_home(stores.tenancy), await new_home(stores.tenancy)
    await stores.documents.add(document(home))
    count = "select count(*) from obelisk.documents"
    async with narrow.in_space(home.space) as connection:
        assert await connection.fetchval(count) == 1
        assert await connection.fetchval("select current_user") == APPLICATION_LOGIN
    async with narrow.in_space(away.space) as connection:
        assert await connection.fetchval(count) == 0
    async with narrow.connection() as connection:
        assert await connection.fetchval(count) == 0


async def test_the_next_transaction_of_a_shared_session_finds_nothing_of_the_last(
    narrow: Pool,
) -> None:
    async with narrow.connection() as connection:
        fresh = dict(await connection.fetchrow(SEEN) or {})
    for confined in (
        narrow.in_space(new_id()),
        narrow.as_user(new_id()),
        narrow.in_organization(new_id()),
        narrow.as_identity(),
    ):
        async with confined as connection:
            within = dict(await connection.fetchrow(SEEN) or {})
        async with narrow.connection() as connection:
            assert dict(await connection.fetchrow(SEEN) or {}) == fresh
        assert within != fresh
        assert within["backend"] == fresh["backend"]


async def test_neither_a_failure_nor_a_cancellation_leaks_the_identity(narrow: Pool) -> None:
    async def sleep_as_identity() -> None:
        async with narrow.as_identity() as connection:
            await connection.execute("select pg_sleep(60)")

    with pytest.raises(ZeroDivisionError):
        async with narrow.as_identity():
            raise ZeroDivisionError
    sleeping = asyncio.ensure_future(sleep_as_identity())
    await asyncio.sleep(0.05)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    async with narrow.connection() as connection:
        assert await connection.fetchval("select current_user") == APPLICATION_LOGIN


async def test_what_has_identity_sees_no_content_and_what_has_content_sees_no_identity(
    narrow: Pool, home: Home
) -> None:
    async with narrow.as_identity() as connection:
        assert await connection.fetchval("select count(*) from obelisk.organizations") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select from obelisk.documents")
    async with narrow.in_space(home.space) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select from obelisk.users")


async def test_many_tenants_share_few_sessions_and_see_their_own_rows(pooled: Pool) -> None:
    stores = postgres_stores(pooled)
    homes = [await new_home(stores.tenancy) for _ in range(8)]
    for home in homes:
        await stores.documents.add(document(home, filename=f"{home.space}.md"))

    async def seen(space: SpaceId) -> tuple[int, set[str]]:
        async with pooled.in_space(space) as connection:
            backend = await connection.fetchval("select pg_backend_pid()")
            await asyncio.sleep(0.001)
            rows = await connection.fetch("select filename from obelisk.documents")
        return backend, {row["filename"] for row in rows}

    answers = await asyncio.gather(*(seen(home.space) for _ in range(20) for home in homes))
    assert [names for _, names in answers] == [
        {f"{home.space}.md"} for _ in range(20) for home in homes
    ]
    assert len({backend for backend, _ in answers}) <= 3


async def test_what_needs_a_session_of_its_own_refuses_a_pooler(
    pooler: PgBouncer, shared_database: SharedDatabase
) -> None:
    dsn = pooler.dsn("postgres", shared_database.database.name)
    with pytest.raises(DirectConnectionNeeded, match=r"OBELISK_DATABASE_URL.*OBELISK_APP_DATABASE"):
        await migrate(dsn)


async def test_a_pooler_without_a_way_past_it_is_refused(tmp_path: Path) -> None:
    alone = {"data_dir": tmp_path, "database_pooler": True, "database_url": None}
    settings = Settings().model_copy(update=alone)
    with pytest.raises(InvalidInput, match="OBELISK_DATABASE_URL, which leads past it"):
        async with database(settings, lambda _: None):
            pass


@asynccontextmanager
async def _held(shared: SharedDatabase, run: RunId) -> AsyncIterator[None]:
    """Somebody else is at work on that run."""
    async with shared.superuser.transaction():
        await shared.superuser.execute("select from obelisk.runs where run_id = $1 for update", run)
        yield


async def test_a_worker_that_comes_back_holds_no_run_while_it_waits_for_another(
    pooled: Pool, shared_database: SharedDatabase
) -> None:
    stores, worker = postgres_stores(pooled), WorkerId(new_id())
    home = await new_home(stores.tenancy)
    for _ in range(2):
        await stores.runs.create(run(home), None, claim_for=worker)
    await stores.fleeting.reap()
    async with pooled.connection() as connection:
        first, second = await connection.fetch("select * from obelisk.lost_runs($1)", worker)
    async with asyncio.TaskGroup() as group, _held(shared_database, second["run_id"]):
        group.create_task(stores.workers.beat(worker, WorkerKind.SERVER, was_cut_off=True))

        async def forgiven() -> bool:
            return (await stores.runs.get(home.space, first["run_id"])).attempts == 0

        await until(forgiven)


async def test_of_pauses_that_end_none_is_held_while_another_is_waited_for(
    pooled: Pool, shared_database: SharedDatabase
) -> None:
    stores = postgres_stores(pooled)
    home = await new_home(stores.tenancy)
    paused = []
    for _ in range(2):
        made = await stores.runs.create(run(home), None, claim_for=WorkerId(new_id()))
        kinds = [RunPaused(pause_id="p-1", prompt="Approve this?")]
        (told,) = await stores.log.append(home.space, made.run.run_id, made.run.fence, kinds)
        paused.append((made.run.run_id, told.create_time))
    (first, _), (second, since) = paused
    async with asyncio.TaskGroup() as group, _held(shared_database, second):
        group.create_task(stores.pauses.expire(since + timedelta(seconds=1), 10))

        async def ended() -> bool:
            return (await stores.runs.get(home.space, first)).cancel_requested

        await until(ended)
