"""Row-level security by itself: raw statements as the application's role, on every table there is.

The tables come from pg_catalog, so a new one is tested from the moment it exists.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from adapters.postgres.audit_log import PostgresAuditLog
from adapters.postgres.pool import Connection, Pool
from domain.conversations.summary import EXTRACTED, Summary
from domain.conversations.turn import Turn
from domain.documents.document import Collection
from domain.documents.structure import HiddenKind, HiddenText
from domain.documents.upload import Upload
from domain.identifiers import UploadId
from domain.retrieval.pictures import PictureVectors
from domain.runs.event import Drafted, RunCompleted
from domain.runs.journal import Mark, MarkKind
from domain.runs.run import TerminationReason
from domain.tenancy.access import Role
from domain.tenancy.invitation import digest_of
from domain.tenancy.settings import SpaceSettings
from fixtures.catalog import Table, tables
from fixtures.making import (
    MODEL,
    NOON,
    VISUAL_MODEL,
    Home,
    axis,
    conversation,
    document,
    new_home,
    new_id,
    passages,
    run,
    structure,
)
from fixtures.people import an_act, an_invitation, served
from fixtures.postgres import SharedDatabase
from fixtures.stores import Stores, postgres_stores

# What somebody reads of themself, by their own id.
OWN_TABLES = ("organizations", "organization_members", "spaces", "space_members")


async def _fill(stores: Stores) -> Home:
    """A home with rows in every table that the application reads."""
    home = await new_home(stores.tenancy)
    await served(stores, home, Role.VIEWER)
    await stores.invitations.add(an_invitation(home, "ana@example.com"), digest_of(str(home.space)))
    await stores.settings.put(home.space, SpaceSettings(facts={"a": "b"}), home.owner)
    made = document(home)
    await stores.documents.add(made)
    hidden = (HiddenText(text="hidden boats", kind=HiddenKind.WHITE),)
    shape = replace(structure(), hidden=hidden)
    rows = passages("secret boats")
    shown = PictureVectors(model=VISUAL_MODEL, vectors={rows[0][0]: axis(0)})
    await stores.documents.publish(made, shape, rows, MODEL, shown)
    upload = Upload(
        upload_id=UploadId(new_id()),
        space_id=home.space,
        filename="boats.md",
        collection=Collection.GENERAL,
        size_bytes=5,
        create_time=NOON,
        expire_time=NOON,
    )
    await stores.uploads.add(upload, most=1)
    thread = conversation(home)
    await stores.conversations.add(thread)
    asked = run(home, conversation_id=thread.conversation_id)
    await stores.runs.create(asked, None)
    await stores.runs.claim(home.space, asked.run_id)
    done = RunCompleted(reason=TerminationReason.COMPLETE)
    await stores.log.append(home.space, asked.run_id, 1, [Drafted(text="Boats."), done])
    _, (turn,) = await stores.memory.unfolded(home.space, thread.conversation_id, 1)
    await stores.memory.keep_summary(home.space, thread.conversation_id, _summary_of(turn))
    await _begin(stores, home)
    return home


def _summary_of(turn: Turn) -> Summary:
    return Summary(
        text="We spoke of boats.",
        mark="0123456789abcdef",
        author=EXTRACTED,
        version=1,
        last_run_id=turn.run_id,
        last_message_id=turn.last_message_id,
    )


async def _begin(stores: Stores, home: Home) -> None:
    """A run at work: only such a one has a journal."""
    begun = run(home)
    await stores.runs.create(begun, None)
    await stores.runs.claim(home.space, begun.run_id)
    mark = Mark(kind=MarkKind.CHANNEL, key="draft", payload=b"Boats.")
    await stores.log.append(home.space, begun.run_id, 1, [], [mark])


async def _filled(pool: Pool) -> Home:
    home = await _fill(postgres_stores(pool))
    await PostgresAuditLog(pool).begin(an_act(home))
    return home


@pytest_asyncio.fixture
async def home(pool: Pool) -> Home:
    return await _filled(pool)


@pytest_asyncio.fixture
async def away(pool: Pool) -> Home:
    return await _filled(pool)


@pytest_asyncio.fixture
async def superuser(
    shared_database: SharedDatabase,
) -> "asyncpg.Connection[asyncpg.Record]":
    return shared_database.superuser


@pytest_asyncio.fixture
async def every_table(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> tuple[Table, ...]:
    """Every one that the application reads; test_confinement.py has those that it does not."""
    found = tuple(table for table in await tables(superuser) if table.application_reads)
    assert len(found) >= 15
    return found


@asynccontextmanager
async def _confined(
    pool: Pool,
    *,
    space: UUID | None = None,
    user: UUID | None = None,
    organization: UUID | None = None,
) -> AsyncIterator[Connection]:
    """A transaction of the application's role that is rolled back."""
    async with pool.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            for name, value in (
                ("app.space_id", space),
                ("app.user_id", user),
                ("app.organization_id", organization),
            ):
                if value is not None:
                    await connection.execute("select set_config($1, $2, true)", name, str(value))
            yield connection
        finally:
            await transaction.rollback()


async def _count(connection: Connection, table: Table) -> int:
    return int(await connection.fetchval(f"select count(*) from obelisk.{table.name}"))


async def _refused(connection: Connection, statement: str, *values: object) -> None:
    """Assert that the role or a policy refuses; the transaction can go on."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connection.transaction():
            await connection.execute(statement, *values)


async def test_every_table_forces_row_level_security(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    every_table = await tables(superuser)
    assert [table.name for table in every_table if not (table.enabled and table.forced)] == []
    assert [table.name for table in every_table if not table.has_policy] == []


async def test_every_table_leads_with_its_space(every_table: tuple[Table, ...]) -> None:
    content = [table for table in every_table if table.is_content]
    assert [table.name for table in content if not table.of_a_space] == []
    assert [table.name for table in content if table.leading_key != "space_id"] == []


async def test_every_reference_between_content_tables_carries_the_space(
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await superuser.fetch(
        """
        select k.conname, k.conrelid::regclass::text as child
        from pg_constraint k
        where k.contype = 'f' and k.connamespace = 'obelisk'::regnamespace
          and exists (select from pg_attribute a where a.attrelid = k.conrelid
                      and a.attname = 'space_id')
          and not exists (
            select from unnest(k.conkey, k.confkey) as pair (child_column, parent_column)
            join pg_attribute c on c.attrelid = k.conrelid and c.attnum = pair.child_column
            join pg_attribute p on p.attrelid = k.confrelid and p.attnum = pair.parent_column
            where c.attname = 'space_id' and p.attname = 'space_id')
        """
    )
    # A space and its members name their organization; everything else in a space names that.
    assert sorted(row["child"] for row in rows) == ["obelisk.space_members", "obelisk.spaces"]


async def test_the_test_data_reaches_every_table(
    pool: Pool,
    home: Home,
    every_table: tuple[Table, ...],
) -> None:
    everything = _confined(pool, space=home.space, user=home.owner, organization=home.organization)
    async with everything as connection:
        empty = [t.name for t in every_table if await _count(connection, t) == 0]
    assert empty == []


async def test_without_a_space_and_a_user_there_are_no_rows(
    pool: Pool, home: Home, every_table: tuple[Table, ...]
) -> None:
    async with _confined(pool) as connection:
        assert [t.name for t in every_table if await _count(connection, t)] == []
    async with pool.connection() as connection:
        await connection.execute("select set_config('app.space_id', '', false)")
        await connection.execute("select set_config('app.user_id', '', false)")
        await connection.execute("select set_config('app.organization_id', '', false)")
        assert [t.name for t in every_table if await _count(connection, t)] == []


async def test_a_space_sees_its_own_rows_and_no_others(
    pool: Pool, home: Home, away: Home, every_table: tuple[Table, ...]
) -> None:
    content = [table for table in every_table if table.is_content]
    async with _confined(pool, space=home.space) as connection:
        for table in content:
            spaces = await connection.fetch(f"select distinct space_id from obelisk.{table.name}")
            assert [row["space_id"] for row in spaces] == [home.space], table.name


async def test_a_space_that_does_not_exist_sees_nothing(
    pool: Pool, home: Home, every_table: tuple[Table, ...]
) -> None:
    nowhere = _confined(pool, space=new_id(), user=new_id(), organization=new_id())
    async with nowhere as connection:
        assert [t.name for t in every_table if await _count(connection, t)] == []


async def test_no_row_can_be_put_into_another_space(
    pool: Pool,
    home: Home,
    away: Home,
    every_table: tuple[Table, ...],
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    for table in (table for table in every_table if table.of_a_space):
        row = await superuser.fetchval(
            f"select to_jsonb(t)::text from obelisk.{table.name} t where space_id = $1 limit 1",
            away.space,
        )
        insert = (
            f"insert into obelisk.{table.name} ({table.column_list}) select {table.column_list}"
            f" from jsonb_populate_record(null::obelisk.{table.name}, $1::jsonb)"
        )
        async with _confined(pool, space=home.space, user=home.owner) as connection:
            await _refused(connection, insert, row)


async def test_no_row_can_be_moved_into_another_space(
    pool: Pool, home: Home, away: Home, every_table: tuple[Table, ...]
) -> None:
    async with _confined(pool, space=home.space, user=home.owner) as connection:
        for table in (table for table in every_table if table.is_content):
            update = f"update obelisk.{table.name} set space_id = $1"
            await _refused(connection, update, away.space)


async def test_no_row_of_another_space_can_be_changed_or_removed(
    pool: Pool,
    home: Home,
    away: Home,
    every_table: tuple[Table, ...],
    superuser: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    theirs = "select count(*) from obelisk.{} where space_id = $1"
    content = [table for table in every_table if table.is_content]
    before = [await superuser.fetchval(theirs.format(t.name), away.space) for t in content]
    async with pool.in_space(home.space) as connection:
        for table in content:
            removable = await connection.fetchval(
                "select has_table_privilege($1, 'delete')", f"obelisk.{table.name}"
            )
            if removable:
                await connection.execute(f"delete from obelisk.{table.name}")
            else:
                await _refused(connection, f"delete from obelisk.{table.name}")
    after = [await superuser.fetchval(theirs.format(t.name), away.space) for t in content]
    assert after == before
    assert all(before)


async def test_a_user_sees_the_identity_rows_that_are_theirs(
    pool: Pool, home: Home, away: Home
) -> None:
    async with _confined(pool, user=home.owner) as connection:
        for table in OWN_TABLES:
            rows = await connection.fetch(f"select * from obelisk.{table}")
            assert len(rows) == 1, table
            ours = {home.organization, home.space, home.owner}
            assert ours & set(rows[0].values()), table


async def test_rows_of_organizations_are_not_written_from_a_space_or_by_a_user(
    pool: Pool, home: Home
) -> None:
    async with _confined(pool, space=home.space, user=home.owner) as connection:
        for table in OWN_TABLES:
            assert await connection.execute(f"delete from obelisk.{table}") == "DELETE 0"
            await _refused(connection, f"truncate obelisk.{table} cascade")
        for promote in (
            "update obelisk.space_members set role = 'owner'",
            "update obelisk.organization_members set role = 'owner'",
            "update obelisk.spaces set display_name = 'x'",
        ):
            assert await connection.execute(promote) == "UPDATE 0"
        join = (
            "insert into obelisk.space_members (space_id, organization_id, user_id, role)"
            " values ($1, $2, $3, 'owner')"
        )
        await _refused(connection, join, home.space, home.organization, new_id())


async def test_kept_settings_cannot_be_rewritten(pool: Pool, home: Home) -> None:
    async with _confined(pool, space=home.space) as connection:
        await _refused(connection, "update obelisk.space_settings set settings = '{}'")
        await _refused(connection, "delete from obelisk.space_settings")


async def test_search_finds_nothing_without_a_space(pool: Pool, home: Home) -> None:
    search = (
        "select count(*) from obelisk.search_in_space("
        "'boats', null, 'm', $1, null, null, null, null, 10)"
    )
    async with _confined(pool) as connection:
        assert await connection.fetchval(search, ["general"]) == 0
    async with _confined(pool, space=home.space) as connection:
        assert await connection.fetchval(search, ["general"]) == 1


async def test_pictures_are_found_in_a_space_alone(pool: Pool, home: Home) -> None:
    search = (
        "select count(*) from obelisk.pictures_in_space("
        "'[1,0,0,0,0,0,0,0]', 0.1, 'seeing', $1, null, null, null, null, 10)"
    )
    async with _confined(pool) as connection:
        assert await connection.fetchval(search, ["general"]) == 0
    async with _confined(pool, space=home.space) as connection:
        assert await connection.fetchval(search, ["general"]) == 1


async def test_reading_past_the_policies_fails_with_other_filters_too(
    pool: Pool, home: Home, away: Home
) -> None:
    stores = postgres_stores(pool)
    found = await stores.index.hybrid(
        home.space,
        text="boats",
        vector=axis(0),
        model=MODEL,
        collections=frozenset(),
        limit=10,
    )
    assert found == ()
    async with _confined(pool, space=home.space) as connection:
        every_word = "select count(*) from obelisk.chunks where space_id = $1 or true"
        assert await connection.fetchval(every_word, away.space) == 1


async def test_the_system_role_learns_of_unfinished_work_alone(
    pool: Pool, home: Home, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    async with superuser.transaction():
        await superuser.execute("set local role obelisk_system")
        runs = await superuser.fetch("select state from obelisk.runs")
        assert [row["state"] for row in runs] == ["running"], "and not the one that has ended"
        assert await superuser.fetch("select * from obelisk.documents") == []
        for table in ("run_events", "messages", "chunks", "chunk_vectors", "space_settings"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with superuser.transaction():
                    await superuser.fetch(f"select * from obelisk.{table}")


async def test_the_search_role_can_only_read(
    superuser: "asyncpg.Connection[asyncpg.Record]", every_table: tuple[Table, ...]
) -> None:
    readable = set()
    for table in every_table:
        name = f"obelisk.{table.name}"
        writes = "select has_table_privilege('obelisk_search', $1, 'insert, update, delete')"
        assert await superuser.fetchval(writes, name) is False, name
        reads = "select has_table_privilege('obelisk_search', $1, 'select')"
        if await superuser.fetchval(reads, name):
            readable.add(table.name)
    assert readable == {"documents", "chunks", "chunk_vectors", "picture_vectors"}
