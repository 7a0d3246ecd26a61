"""Organizations and identity, by the database alone: raw statements on every table there is.

An organization sees its own rows and no others; identity is entered on purpose, by one role, which
sees no content; nobody reads it by what they are anyway.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio

from adapters.postgres.audit_log import PostgresAuditLog
from adapters.postgres.pool import Connection, Pool
from domain.identifiers import UserId
from domain.tenancy.access import Role
from domain.tenancy.invitation import digest_of
from fixtures.catalog import Table, tables
from fixtures.making import Home, new_home, new_id
from fixtures.people import an_act, an_invitation, joined, served
from fixtures.postgres import SharedDatabase
from fixtures.stores import postgres_stores

Superuser = "asyncpg.Connection[asyncpg.Record]"
WITHOUT_PERMISSION = asyncpg.InsufficientPrivilegeError


@asynccontextmanager
async def _undone(connection: Connection) -> AsyncIterator[None]:
    """What is done in here is rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def _filled(pool: Pool) -> Home:
    """A home with rows in every table of an organization, and with somebody in it."""
    stores = postgres_stores(pool)
    home = await new_home(stores.tenancy)
    await joined(stores, home, Role.EDITOR, inside=Role.EDITOR)
    await served(stores, home, Role.VIEWER)
    await stores.invitations.add(an_invitation(home, "ana@example.com"), digest_of(str(home.space)))
    await PostgresAuditLog(pool).begin(an_act(home))
    return home


@pytest_asyncio.fixture
async def home(pool: Pool) -> Home:
    return await _filled(pool)


@pytest_asyncio.fixture
async def away(pool: Pool) -> Home:
    return await _filled(pool)


@pytest_asyncio.fixture
async def every_table(shared_database: SharedDatabase) -> tuple[Table, ...]:
    return await tables(shared_database.superuser)


def _of_organizations(every_table: tuple[Table, ...]) -> list[Table]:
    return [table for table in every_table if table.is_organizations]


def test_every_table_is_of_one_kind(every_table: tuple[Table, ...]) -> None:
    identity = {table.name for table in every_table if table.is_identity}
    assert identity >= {"users", "sessions", "refresh_tokens", "signing_keys", "authority_changes"}
    assert identity >= {"oidc_identities", "oidc_flows", "principal_epochs", "erasure_receipts"}
    organizations = {table.name for table in every_table if table.is_organizations}
    assert organizations >= {"organizations", "organization_members", "spaces", "space_members"}
    assert organizations >= {"service_clients", "invitations", "audit_events"}
    content = [table for table in every_table if table.is_content]
    assert [table.name for table in content if not table.of_a_space] == []


def test_whatever_names_a_tenant_forces_row_level_security(
    every_table: tuple[Table, ...],
) -> None:
    tenants = [table for table in every_table if table.of_a_space or table.of_an_organization]
    assert len(tenants) > 15
    assert [t.name for t in tenants if not (t.enabled and t.forced and t.has_policy)] == []
    rest = [table for table in every_table if table not in tenants]
    assert [t.name for t in rest if not (t.enabled and t.forced and t.has_policy)] == []


async def test_without_an_organization_there_are_no_rows(
    pool: Pool, home: Home, every_table: tuple[Table, ...]
) -> None:
    async with pool.connection() as connection:
        for table in _of_organizations(every_table):
            count = f"select count(*) from obelisk.{table.name}"
            assert await connection.fetchval(count) == 0, table.name


async def test_an_organization_sees_its_own_rows_and_no_others(
    pool: Pool, home: Home, away: Home, every_table: tuple[Table, ...]
) -> None:
    for ours in (home, away):
        async with pool.in_organization(ours.organization) as connection:
            for table in _of_organizations(every_table):
                found = await connection.fetch(
                    f"select distinct organization_id from obelisk.{table.name}"
                )
                assert [row[0] for row in found] == [ours.organization], table.name


async def test_an_organization_sees_no_content_of_its_spaces(
    pool: Pool, home: Home, every_table: tuple[Table, ...]
) -> None:
    async with pool.in_organization(home.organization) as connection:
        for table in (table for table in every_table if table.is_content):
            count = f"select count(*) from obelisk.{table.name}"
            assert await connection.fetchval(count) == 0, table.name


async def test_an_organization_that_does_not_exist_sees_nothing(
    pool: Pool, home: Home, every_table: tuple[Table, ...]
) -> None:
    async with pool.in_organization(new_id()) as connection:
        for table in _of_organizations(every_table):
            count = f"select count(*) from obelisk.{table.name}"
            assert await connection.fetchval(count) == 0, table.name


async def test_no_row_can_be_put_or_moved_into_another_organization(
    pool: Pool,
    home: Home,
    away: Home,
    every_table: tuple[Table, ...],
    shared_database: SharedDatabase,
) -> None:
    for table in _of_organizations(every_table):
        row = await shared_database.superuser.fetchval(
            f"select to_jsonb(t)::text from obelisk.{table.name} t where organization_id = $1"
            " limit 1",
            away.organization,
        )
        assert row is not None, table.name
        insert = (
            f"insert into obelisk.{table.name} ({table.column_list}) select {table.column_list}"
            f" from jsonb_populate_record(null::obelisk.{table.name}, $1::jsonb)"
        )
        with pytest.raises(WITHOUT_PERMISSION):
            async with pool.in_organization(home.organization) as connection:
                await connection.execute(insert, row)
        move = f"update obelisk.{table.name} set organization_id = $1"
        with pytest.raises(WITHOUT_PERMISSION):
            async with pool.in_organization(home.organization) as connection:
                await connection.execute(move, away.organization)


async def test_no_row_of_another_organization_can_be_removed(
    pool: Pool,
    home: Home,
    away: Home,
    every_table: tuple[Table, ...],
    shared_database: SharedDatabase,
) -> None:
    superuser = shared_database.superuser
    for table in _of_organizations(every_table):
        theirs = f"select count(*) from obelisk.{table.name} where organization_id = $1"
        before = await superuser.fetchval(theirs, away.organization)
        assert before > 0, table.name
        async with pool.connection() as connection, _undone(connection):
            await connection.execute(
                "select set_config('app.organization_id', $1, true)", str(home.organization)
            )
            deletable = await connection.fetchval(
                "select has_table_privilege($1, 'delete')", f"obelisk.{table.name}"
            )
            if deletable:
                remove = f"delete from obelisk.{table.name} where organization_id = $1"
                assert await connection.execute(remove, away.organization) == "DELETE 0"
        assert await superuser.fetchval(theirs, away.organization) == before, table.name


async def test_the_application_reads_no_identity_by_what_it_is(
    pool: Pool, home: Home, every_table: tuple[Table, ...], shared_database: SharedDatabase
) -> None:
    login = await asyncpg.connect(shared_database.database.dsn)
    try:
        for table in (table for table in every_table if table.is_identity):
            for statement in (
                f"select * from obelisk.{table.name}",
                f"delete from obelisk.{table.name}",
                f"insert into obelisk.{table.name} default values",
            ):
                with pytest.raises(WITHOUT_PERMISSION):
                    await login.execute(statement)
                with pytest.raises(WITHOUT_PERMISSION):
                    async with pool.connection() as connection:
                        await connection.execute(statement)
    finally:
        await login.close()


async def test_identity_reads_no_content_and_writes_none(
    pool: Pool, home: Home, every_table: tuple[Table, ...]
) -> None:
    for table in (table for table in every_table if table.is_content):
        for statement in (
            f"select * from obelisk.{table.name}",
            f"delete from obelisk.{table.name}",
            f"insert into obelisk.{table.name} default values",
            f"update obelisk.{table.name} set space_id = space_id",
        ):
            with pytest.raises(WITHOUT_PERMISSION):
                async with pool.as_identity() as connection:
                    await connection.execute(statement)


async def test_identity_ends_with_its_transaction(pool: Pool, home: Home) -> None:
    async with pool.as_identity() as connection:
        assert await connection.fetchval("select count(*) from obelisk.users") == 1
        backend = await connection.fetchval("select pg_backend_pid()")
    async with pool.connection() as connection:
        if await connection.fetchval("select pg_backend_pid()") == backend:
            assert await connection.fetchval("select current_user") == "obelisk_app"
        with pytest.raises(WITHOUT_PERMISSION):
            await connection.fetch("select * from obelisk.users")


async def test_identity_lets_people_in_and_throws_nobody_out(pool: Pool, home: Home) -> None:
    for statement in (
        "delete from obelisk.organization_members",
        "delete from obelisk.space_members",
        "delete from obelisk.invitations",
        "insert into obelisk.invitations default values",
        "delete from obelisk.service_clients",
        "delete from obelisk.organizations",
        "update obelisk.organizations set display_name = 'x'",
        "update obelisk.spaces set display_name = 'x'",
        "delete from obelisk.audit_events",
    ):
        with pytest.raises(WITHOUT_PERMISSION):
            async with pool.as_identity() as connection:
                await connection.execute(statement)


async def test_names_of_members_come_from_ones_own_organization_alone(
    pool: Pool, home: Home, away: Home
) -> None:
    ask = "select user_id from obelisk.members_of($1, $2, null, null, 100)"
    async with pool.connection() as connection:
        assert await connection.fetch(ask, home.organization, None) == []
    async with pool.in_organization(home.organization) as connection:
        assert len(await connection.fetch(ask, home.organization, None)) == 3
        assert await connection.fetch(ask, away.organization, None) == []
        assert len(await connection.fetch(ask, home.organization, home.space)) == 2
        assert await connection.fetch(ask, home.organization, away.space) == []
        assert await connection.fetch(ask, away.organization, away.space) == []


async def test_a_member_of_no_organization_comes_into_no_space_of_it(
    pool: Pool, home: Home, away: Home
) -> None:
    join = (
        "insert into obelisk.space_members (space_id, organization_id, user_id, role)"
        " values ($1, $2, $3, 'viewer')"
    )
    for space, user in ((home.space, away.owner), (away.space, home.owner)):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with pool.in_organization(home.organization) as connection:
                await connection.execute(join, space, home.organization, user)


async def test_whoever_changes_a_membership_moves_its_epoch(
    pool: Pool, home: Home, shared_database: SharedDatabase
) -> None:
    ask = (
        "select p.epoch, c.epoch as told from obelisk.principal_epochs p"
        " join obelisk.authority_changes c on c.kind = 'epoch' and c.subject = p.user_id::text"
        " where p.user_id = $1"
    )
    superuser, seen = shared_database.superuser, []
    for statement in (
        "update obelisk.space_members set role = 'admin' where user_id = $1",
        "delete from obelisk.space_members where user_id = $1",
        "update obelisk.organization_members set role = 'owner' where user_id = $1",
    ):
        async with pool.in_organization(home.organization) as connection:
            await connection.execute(statement, home.owner)
        row = await superuser.fetchrow(ask, home.owner)
        assert row is not None
        assert row["epoch"] == row["told"]
        seen.append(row["epoch"])
    assert seen == sorted(set(seen))


async def test_a_revoked_service_has_no_session_and_every_process_is_told(
    pool: Pool, home: Home, shared_database: SharedDatabase
) -> None:
    stores, superuser = postgres_stores(pool), shared_database.superuser
    for revoke in (True, False):
        bot: UserId = await served(stores, home, Role.VIEWER)
        await superuser.execute(
            "insert into obelisk.sessions (session_id, user_id, organization_id, address,"
            " user_agent, create_time, expire_time) values ($1, $2, $3, '', '', now(),"
            " now() + interval '1 hour')",
            new_id(),
            bot,
            home.organization,
        )
        if revoke:
            await stores.clients.revoke(home.organization, bot)
            ended = "select revoke_time is not null from obelisk.sessions where user_id = $1"
            assert await superuser.fetchval(ended, bot) is True
        else:
            async with pool.in_organization(home.organization) as connection:
                remove = "delete from obelisk.service_clients where client_id = $1"
                await connection.execute(remove, bot)
        told = await superuser.fetchrow(
            "select not_before, expire_time > now() + interval '24 hours' as kept"
            " from obelisk.authority_changes where kind = 'user' and subject = $1",
            str(bot),
        )
        assert told is not None
        assert (told["not_before"], told["kept"]) == (None, True)
