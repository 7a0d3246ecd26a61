"""Whether another process serves the same database: a lock that lives as long as its connection."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import asyncpg

from adapters.postgres.direct import connect_directly
from adapters.postgres.errors import translated
from adapters.postgres.statements import statements
from domain.errors import Unavailable

_log = logging.getLogger(__name__)
_LOCK = 0x0BE115D
_AGAIN_SECONDS = 0.5
_SQL = statements("presence")


@asynccontextmanager
async def present(dsn: str) -> AsyncGenerator[bool]:
    """Hold this process's presence; True when it is the first, and what is unfinished is nobody's.

    A connection that is lost is made again, so that those who come later still see this process.

    Raises:
        DirectConnectionNeeded: `dsn` leads to a pooler.
        DatabaseUnavailable: nobody answers at `dsn`.
    """
    presence = _Presence(dsn)
    first = await presence.enter()
    # Owned here: cancelled and awaited on the way out.
    keeper = asyncio.get_running_loop().create_task(presence.keep())
    try:
        yield first
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await presence.leave()


class _Presence:
    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._lost = asyncio.Event()

    async def enter(self) -> bool:
        """Be present, beside others; whether nobody else was."""
        with translated():
            connection = await connect_directly(self._dsn, command_timeout=30)
            self._connection = connection
            self._lost.clear()
            connection.add_termination_listener(lambda _: self._lost.set())
            first = await connection.fetchval(_SQL["first"], _LOCK) is True
            # Shared from here on: those who come later see that somebody is here.
            await connection.execute(_SQL["enter"], _LOCK)
            if first:
                await connection.execute(_SQL["open"], _LOCK)
        return first

    async def keep(self) -> None:
        """Enter again whenever the connection was lost; ends by cancellation alone."""
        while True:
            await self._lost.wait()
            try:
                await self.enter()
            except Unavailable:
                _log.warning("the database does not see this process; trying again")
                await asyncio.sleep(_AGAIN_SECONDS)

    async def leave(self) -> None:
        """Close the connection, and with it the lock."""
        if self._connection is not None:
            await self._connection.close()
