"""Rows as the superuser writes them, and the moment that all of them name."""

from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

NOW = datetime.now(UTC).replace(microsecond=0)
LATER = NOW + timedelta(days=7)


async def insert(connection: "Connection", table: str, **values: object) -> None:
    numbers = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    await connection.execute(
        f"insert into obelisk.{table} ({', '.join(values)}) values ({numbers})", *values.values()
    )


def digest_of(of: str) -> bytes:
    return UUID(of).bytes * 2
