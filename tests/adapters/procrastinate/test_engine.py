"""The task engine beside a database that goes away and comes back."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import migrate
from adapters.postgres.pool import APPLICATION_ROLE
from adapters.procrastinate.engine import engine

_SECONDS = 20.0


async def test_it_outlives_a_database_that_restarts_and_says_so_in_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    woken = asyncio.Event()
    with EmbeddedPostgres(tmp_path / "postgres") as postgres:
        await migrate(postgres.dsn, let_application_in=True)
        async with _engine(postgres.dsn, woken):
            await _woken(postgres.dsn, woken)
            await asyncio.to_thread(postgres.stop)
            await _said("the task engine starts again", caplog)
            await asyncio.to_thread(postgres.start)
            await _woken(postgres.dsn, woken)
    assert not [record for record in caplog.records if record.exc_info]
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]


async def test_it_is_left_while_the_database_is_away(tmp_path: Path) -> None:
    woken = asyncio.Event()
    with EmbeddedPostgres(tmp_path / "postgres") as postgres:
        await migrate(postgres.dsn, let_application_in=True)
        async with asyncio.timeout(_SECONDS):
            async with _engine(postgres.dsn, woken):
                await _woken(postgres.dsn, woken)
                await asyncio.to_thread(postgres.stop)


def _engine(dsn: str, woken: asyncio.Event) -> AbstractAsyncContextManager[None]:
    return engine(dsn, role=APPLICATION_ROLE, wake=woken.set, chores=(), patience=1.0)


async def _woken(dsn: str, woken: asyncio.Event) -> None:
    """Have a job deferred, and wait until the engine was woken by it."""
    woken.clear()
    connection = await asyncpg.connect(dsn)
    try:
        # Nobody is woken who is not there.
        await connection.execute(
            "insert into obelisk.workers (worker_id, kind, expire_time)"
            " values (gen_random_uuid(), 'worker', now() + interval '1 minute')"
        )
        await connection.execute("select obelisk.wake_workers()")
    finally:
        await connection.close()
    async with asyncio.timeout(_SECONDS):
        await woken.wait()


async def _said(words: str, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(int(_SECONDS / 0.05)):
        if words in caplog.text:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"nobody said: {words}")
