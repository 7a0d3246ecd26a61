"""Revocations and epochs in Postgres, read by transaction rather than by time.

A row carries the transaction that wrote it. The mark is the oldest transaction that was still
open when the rows were read, so what it or a later one commits afterwards is read next time.
"""

import asyncpg

from adapters.postgres.pool import Connection, Pool
from adapters.postgres.statements import statements
from application.ports.authority_feed import AuthorityNews
from domain.auth.revocation import AuthorityChange, ChangeKind

_SQL = statements("sessions")
_BEGINNING = 0


class PostgresAuthorityFeed:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, after: int | None) -> AuthorityNews:
        since = _BEGINNING if after is None else after
        async with self._pool.as_identity() as connection:
            rows = await connection.fetch(_SQL["news"], since)
            # A database that was put back to an earlier state counts its transactions again.
            if rows[0]["mark"] < since:
                rows = await connection.fetch(_SQL["news"], _BEGINNING)
        changes = [_change(row) for row in rows if row["kind"] is not None]
        return AuthorityNews(changes=changes, mark=rows[0]["mark"])

    async def tell(self, change: AuthorityChange) -> None:
        async with self._pool.as_identity() as connection:
            await tell(connection, change)


async def tell(connection: Connection, change: AuthorityChange) -> None:
    """Keep a change in the transaction at hand."""
    await connection.execute(
        _SQL["tell"],
        change.kind.value,
        change.subject,
        change.epoch,
        change.not_before,
        change.expire_time,
    )


def _change(row: asyncpg.Record) -> AuthorityChange:
    return AuthorityChange(
        kind=ChangeKind(row["kind"]),
        subject=row["subject"],
        epoch=row["epoch"],
        not_before=row["not_before"],
        expire_time=row["expire_time"],
    )
