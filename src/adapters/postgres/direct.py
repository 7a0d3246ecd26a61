"""A connection whose session is the server's own, for locks that live as long as it does."""

import asyncpg

from adapters.postgres.statements import statements
from domain.errors import FailedPrecondition

_SQL = statements("direct")


class DirectConnectionNeeded(FailedPrecondition):
    reason = "DATABASE_NOT_DIRECT"

    def __init__(self) -> None:
        super().__init__(
            "OBELISK_DATABASE_URL leads to a pooler, behind which locks hold nothing; let it lead "
            "to PostgreSQL itself, and OBELISK_APP_DATABASE_URL to the pooler, with "
            "OBELISK_DATABASE_POOLER=true"
        )


async def connect_directly(
    dsn: str, *, command_timeout: float
) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect; `command_timeout` in seconds. The caller closes it, and translates errors.

    Raises:
        DirectConnectionNeeded: what answers is no server but something that shares its sessions.
    """
    # Through a pooler a named statement would be missed before this could say what is wrong.
    connection = await asyncpg.connect(
        dsn, timeout=10, command_timeout=command_timeout, statement_cache_size=0
    )
    try:
        async with connection.transaction():
            backend = await connection.fetchval(_SQL["backend"])
        # A pooler hands out a number of its own, because it cannot know whose session comes next.
        if backend != connection.get_server_pid():
            raise DirectConnectionNeeded
    except BaseException:
        connection.terminate()
        raise
    return connection
