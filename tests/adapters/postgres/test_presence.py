"""Who serves a database, told by a lock."""

import asyncio

import asyncpg

from adapters.postgres.presence import present
from fixtures.postgres import Database

_LOCK_HOLDERS = """
    select pg_terminate_backend(pid) from pg_locks
    where locktype = 'advisory' and pid <> pg_backend_pid()
"""


async def test_the_first_process_is_told_that_it_is_and_the_next_that_it_is_not(
    fresh_database: Database,
) -> None:
    async with present(fresh_database.dsn) as first:
        async with present(fresh_database.dsn) as second:
            assert (first, second) == (True, False)
        async with present(fresh_database.dsn) as third:
            assert not third
    async with present(fresh_database.dsn) as later:
        assert later


async def test_of_many_that_come_at_once_one_is_the_first(fresh_database: Database) -> None:
    async def come() -> bool:
        async with present(fresh_database.dsn) as first:
            await asyncio.sleep(0.3)
            return first

    assert sum(await asyncio.gather(*(come() for _ in range(5)))) == 1


async def test_a_process_whose_connection_was_lost_is_present_again(
    fresh_database: Database,
) -> None:
    async with present(fresh_database.dsn):
        connection = await asyncpg.connect(fresh_database.superuser_dsn)
        try:
            assert await connection.fetch(_LOCK_HOLDERS)
        finally:
            await connection.close()
        await asyncio.sleep(0.5)
        async with present(fresh_database.dsn) as second:
            assert not second
