"""The same platform on a PostgreSQL and a Redis of the user's own."""

import tempfile
from pathlib import Path

from entrypoints.cli.spaces import organization_named, space_named
from entrypoints.cli.tokens import mint
from entrypoints.settings import Settings
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
        token = mint(Settings(data_dir=Path(folder)), "local")
        async with ObeliskClient(server.grpc, token=token) as client:
            home = await organization_named(client, "Larkfell")
            client.space_id = (await space_named(client, home, "Marketing")).space_id
            events = [event async for event in client.ask("email", "Say hello to our owners.")]
        assert events[-1].completed.reason == run_pb2.TERMINATION_REASON_COMPLETE
        assert not [line for line in processes_under(Path(folder)) if "postgres" in line]
        assert await server.stop() == 0
        assert not server.left_behind()
