"""A whole server behind PgBouncer, used from the command line."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from fixtures.obelisk_process import COMMAND, ObeliskProcess, environment
from fixtures.pgbouncer import PgBouncer
from fixtures.postgres import APPLICATION_LOGIN, Database

pytestmark = pytest.mark.pooler


@pytest_asyncio.fixture
async def pooled_server(
    fresh_database: Database, pooler: PgBouncer
) -> AsyncIterator[ObeliskProcess]:
    with tempfile.TemporaryDirectory(prefix="obelisk-pooler-") as folder:
        process = await ObeliskProcess.serve(
            Path(folder),
            OBELISK_DATABASE_URL=fresh_database.superuser_dsn,
            OBELISK_APP_DATABASE_URL=pooler.dsn(APPLICATION_LOGIN, fresh_database.name),
            OBELISK_DATABASE_POOLER="true",
        )
        yield process
        assert await process.stop() == 0


async def obelisk(server: ObeliskProcess, *arguments: str) -> str:
    """What a command of the command line printed; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, *arguments),
        env=environment(server.data_dir, OBELISK_SERVER=server.grpc),
        cwd=server.data_dir,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def test_a_space_is_made_a_document_read_and_a_question_answered(
    pooled_server: ObeliskProcess,
) -> None:
    page = pooled_server.data_dir / "bags.md"
    page.write_text("# Bags\n\nWe sell bags of waxed canvas, and mend them for ten years.\n")
    await obelisk(pooled_server, "spaces", "--create", "My brand")
    await obelisk(pooled_server, "ingest", str(page))
    answer = await obelisk(pooled_server, "ask", "brand", "What do we sell?")
    assert "bags.md" in answer
    assert "complete" in await obelisk(pooled_server, "runs")
