"""Erasure by the catalogue: tables that nobody has told of, and everybody writing at once."""

import asyncio
from collections.abc import AsyncIterator, Coroutine

import asyncpg
import pytest
import pytest_asyncio

from adapters.postgres.pool import Pool
from domain.errors import NotFound
from domain.identifiers import ReceiptId
from domain.tenancy.erasure import ErasureReceipt
from domain.tenancy.settings import SpaceSettings
from fixtures.catalog import tables
from fixtures.making import (
    MODEL,
    NOON,
    Home,
    conversation,
    document,
    new_home,
    new_id,
    passages,
    run,
    structure,
)
from fixtures.postgres import Database
from fixtures.stores import Stores, postgres_stores

# A table as one that comes later might be: it has the space, and no foreign key to it.
LATER = """
    create table obelisk.checkpoints (space_id uuid not null, state bytea not null);
    alter table obelisk.checkpoints enable row level security;
    alter table obelisk.checkpoints force row level security;
    grant select, insert, delete on obelisk.checkpoints to obelisk_app;
    create policy tenant on obelisk.checkpoints to obelisk_app
      using (space_id = obelisk.current_space()) with check (space_id = obelisk.current_space());
"""


@pytest_asyncio.fixture
async def superuser(
    fresh_database: Database,
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(fresh_database.superuser_dsn)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def own_pool(fresh_database: Database) -> AsyncIterator[Pool]:
    pool = await Pool.open(fresh_database.dsn)
    yield pool
    await pool.close()


def receipt_for(home: Home) -> ErasureReceipt:
    return ErasureReceipt(
        receipt_id=ReceiptId(new_id()),
        organization_id=home.organization,
        space_id=home.space,
        spaces=(home.space,),
        requester=home.owner,
        counts={},
        create_time=NOON,
        finish_time=None,
    )


async def test_a_table_that_comes_later_is_covered(
    own_pool: Pool, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    stores = postgres_stores(own_pool)
    home, away = await new_home(stores.tenancy), await new_home(stores.tenancy)
    await superuser.execute(LATER)
    for one in (home, home, away):
        async with own_pool.in_space(one.space) as connection:
            await connection.execute("insert into obelisk.checkpoints values ($1, 'x')", one.space)
    begun = await stores.erasures.begin(receipt_for(home))
    assert begun.counts["checkpoints"] == 2
    left = await superuser.fetch("select space_id from obelisk.checkpoints")
    assert [row["space_id"] for row in left] == [away.space]


async def test_everybody_who_writes_meanwhile_leaves_no_row(
    own_pool: Pool, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    stores = postgres_stores(own_pool)
    home = await new_home(stores.tenancy)
    writing = [asyncio.ensure_future(work) for n in range(6) for work in writers(stores, home, n)]
    await asyncio.sleep(0.02)
    begun = await stores.erasures.begin(receipt_for(home))
    outcomes = await asyncio.gather(*writing, return_exceptions=True)
    assert begun.counts["spaces"] == 1
    assert [error for error in outcomes if error and not isinstance(error, NotFound)] == []
    for table in await tables(superuser):
        if table.of_a_space and table.name not in ("audit_events", "erasure_receipts"):
            kept = await superuser.fetchval(
                f"select count(*) from obelisk.{table.name} where space_id = $1", home.space
            )
            assert kept == 0, table.name


def writers(stores: Stores, home: Home, n: int) -> list[Coroutine[None, None, None]]:
    return [_document(stores, home), _run(stores, home), _settings(stores, home, n)]


async def _document(stores: Stores, home: Home) -> None:
    made = document(home, filename=f"{new_id()}.md")
    await stores.documents.add(made)
    await stores.documents.publish(made, structure(), passages("one", "two"), MODEL)


async def _run(stores: Stores, home: Home) -> None:
    thread = conversation(home)
    await stores.conversations.add(thread)
    await stores.runs.create(run(home, conversation_id=thread.conversation_id), None)


async def _settings(stores: Stores, home: Home, n: int) -> None:
    await stores.settings.put(home.space, SpaceSettings(facts={"n": str(n)}), home.owner)


@pytest.mark.parametrize("statement", ["delete from", "select 1 from"])
async def test_a_receipt_is_out_of_the_applications_reach(own_pool: Pool, statement: str) -> None:
    """Only as identity are they read, and then by their own id."""
    async with own_pool.in_organization(new_id()) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"{statement} obelisk.erasure_receipts")
