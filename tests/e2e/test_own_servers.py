"""The same platform on a PostgreSQL and a Redis of the user's own."""

import tempfile
from pathlib import Path

import asyncpg

from entrypoints.cli.spaces import organization_named, space_named
from fixtures.obelisk_process import ObeliskProcess, processes_under
from fixtures.postgres import Database
from obelisk.client import ObeliskClient
from obelisk.v1 import run_pb2


async def test_a_run_on_own_servers_starts_none_of_ours(
    fresh_database: Database, valkey_url: str
) -> None:
    with tempfile.TemporaryDirectory(prefix="obelisk-own-") as folder:
        server = await ObeliskProcess.serve(
            Path(folder),
            OBELISK_DATABASE_URL=fresh_database.superuser_dsn,
            OBELISK_APP_DATABASE_URL=fresh_database.dsn,
            OBELISK_REDIS_URL=valkey_url,
        )
        async with ObeliskClient(server.grpc, token=await server.token()) as client:
            home = await organization_named(client, "Larkfell")
            client.space_id = (await space_named(client, home, "Marketing")).space_id
            events = [event async for event in client.ask("email", "Say hello to our owners.")]
        assert events[-1].completed.reason == run_pb2.TERMINATION_REASON_COMPLETE
        assert not [line for line in processes_under(Path(folder)) if "postgres" in line]
        assert await server.stop() == 0
        assert not server.left_behind()


_HANG_UP = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
"""


async def test_a_run_ends_although_the_database_hangs_up_on_everybody_in_its_middle(
    fresh_database: Database,
) -> None:
    with tempfile.TemporaryDirectory(prefix="obelisk-own-") as folder:
        server = await ObeliskProcess.serve(
            Path(folder),
            OBELISK_DATABASE_URL=fresh_database.superuser_dsn,
            OBELISK_APP_DATABASE_URL=fresh_database.dsn,
        )
        connection = await asyncpg.connect(fresh_database.superuser_dsn)
        async with ObeliskClient(server.grpc, token=await server.token()) as client:
            home = await organization_named(client, "Larkfell")
            client.space_id = (await space_named(client, home, "Marketing")).space_id
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
        assert await server.stop() == 0
