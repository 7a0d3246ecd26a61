"""Whether another process serves the same database: a lock that lives as long as its connection."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

from adapters.postgres.errors import translated
from adapters.postgres.statements import statements

_LOCK = 0x0BE115D
_SQL = statements("presence")


@asynccontextmanager
async def present(dsn: str) -> AsyncGenerator[bool]:
    """Hold this process's presence; True when it is the first, and what is unfinished is nobody's.

    Raises:
        DatabaseUnavailable: nobody answers at `dsn`.
    """
    with translated():
        connection = await asyncpg.connect(dsn, timeout=10, command_timeout=30)
    try:
        with translated():
            first = await connection.fetchval(_SQL["first"], _LOCK) is True
            # Shared from here on: those who come later see that somebody is here.
            await connection.execute(_SQL["enter"], _LOCK)
            if first:
                await connection.execute(_SQL["open"], _LOCK)
        yield first
    finally:
        await connection.close()
