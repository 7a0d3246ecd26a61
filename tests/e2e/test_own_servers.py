"""The same platform on a PostgreSQL and a Redis of the user's own."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from fixtures.entering import new_space
from fixtures.obelisk_process import ObeliskProcess, processes_under
from fixtures.openai_server import FakeOpenAiServer
from fixtures.postgres import Database
from obelisk.client import ObeliskClient
from obelisk.v1 import run_pb2


@pytest.fixture
def model() -> Iterator[FakeOpenAiServer]:
    """A model that writes for seconds, and costs nothing."""
    model = FakeOpenAiServer(context_words=100_000, word_pause=0.01)
    model.start()
    yield model
    model.stop()


@asynccontextmanager
async def _serving(
    database: Database, model: FakeOpenAiServer, **more: str
) -> AsyncIterator[tuple[ObeliskProcess, ObeliskClient]]:
    """A server on that database, and a client in an empty space; nothing is left behind."""
    with tempfile.TemporaryDirectory(prefix="obelisk-own-") as folder:
        server = await ObeliskProcess.serve(
            Path(folder),
            OBELISK_DATABASE_URL=database.superuser_dsn,
            OBELISK_APP_DATABASE_URL=database.dsn,
            **model.settings,
            **more,
        )
        async with ObeliskClient(server.grpc, token=await server.token()) as client:
            client.space_id = await new_space(client)
            yield server, client
        assert await server.stop() == 0
        assert not server.left_behind()


async def test_a_run_on_own_servers_starts_none_of_ours(
    fresh_database: Database, valkey_url: str, model: FakeOpenAiServer
) -> None:
    async with _serving(fresh_database, model, OBELISK_REDIS_URL=valkey_url) as (server, client):
        events = [event async for event in client.ask("email", "Say hello to our owners.")]
        assert events[-1].completed.reason == run_pb2.TERMINATION_REASON_COMPLETE
        assert not [line for line in processes_under(server.data_dir) if "postgres" in line]


_HANG_UP = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
"""


async def test_a_run_ends_although_the_database_hangs_up_on_everybody_in_its_middle(
    fresh_database: Database, model: FakeOpenAiServer
) -> None:
    connection = await asyncpg.connect(fresh_database.superuser_dsn)
    async with _serving(fresh_database, model) as (_, client):
        events: list[run_pb2.RunEvent] = []
        async for event in client.ask("email", "Say hello to our owners, at length."):
            events.append(event)
            if len([e for e in events if e.HasField("token_batch")]) == 2:
                assert await connection.fetch(_HANG_UP)
        replayed = [event async for event in client.watch(events[0].queued.run_id)]
    await connection.close()
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert events[-1].HasField("completed")
    assert replayed == events
