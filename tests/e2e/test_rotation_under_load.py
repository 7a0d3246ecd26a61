"""Signing keys change while two processes serve: nobody notices."""

import asyncio
import base64
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import httpx

from fixtures.obelisk_process import ObeliskProcess
from fixtures.postgres import Database
from obelisk.client import ObeliskClient
from obelisk.v1 import auth_pb2, tenancy_pb2

ROTATIONS = 3
LEAD_SECONDS = 2
CLIENTS_FOR_EACH_PAIR = 2
# How often a client gets itself another token; in between it uses the one it has.
RENEW_EVERY = 20
# Between a client's requests: a machine that only asks and answers shows nothing more.
PAUSE_SECONDS = 0.02


@dataclass(slots=True)
class Load:
    """What the clients of one run have seen; `kids` are the keys that signed their tokens."""

    answered: int = 0
    refused: list[str] = field(default_factory=list)
    kids: set[str] = field(default_factory=set)
    stopped: bool = False

    async def client(self, issuing: ObeliskProcess, serving: ObeliskProcess) -> None:
        """Ask one process again and again, with tokens that another has signed."""
        while not self.stopped:
            token = await issuing.token()
            self.kids.add(kid_of(token))
            async with ObeliskClient(serving.grpc, token=token) as client:
                for _ in range(RENEW_EVERY):
                    await self._ask(client)
                    await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self, client: ObeliskClient) -> None:
        request = tenancy_pb2.ListOrganizationsRequest()
        try:
            await client.tenancy.ListOrganizations(request, metadata=client.metadata)
        except grpc.aio.AioRpcError as error:
            self.refused.append(f"{error.code().name}: {error.details()}")
        self.answered += 1

    async def until_used(self, kid: str) -> None:
        """Until a client has got a token that this key has signed."""
        async with asyncio.timeout(30):
            while kid not in self.kids:  # noqa: ASYNC110  # any of six clients may be the first
                await asyncio.sleep(PAUSE_SECONDS)


def kid_of(token: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "==="))["kid"])


@asynccontextmanager
async def two_servers(
    database: Database,
) -> AsyncIterator[tuple[ObeliskProcess, ObeliskProcess]]:
    """Two processes with a folder each, on one database and under one master key."""
    shared = {
        "OBELISK_DATABASE_URL": database.superuser_dsn,
        "OBELISK_APP_DATABASE_URL": database.dsn,
        "OBELISK_MASTER_KEY": base64.b64encode(os.urandom(32)).decode(),
        "OBELISK_KEY_LEAD_SECONDS": str(LEAD_SECONDS),
        # Never asked: it keeps the embedded model from being loaded.
        "OBELISK_CHAT_URL": "http://127.0.0.1:9/v1",
        "OBELISK_CHAT_MODEL": "none",
    }
    with (
        tempfile.TemporaryDirectory(prefix="obelisk-keys-") as one,
        tempfile.TemporaryDirectory(prefix="obelisk-keys-") as other,
    ):
        servers = [await ObeliskProcess.serve(Path(folder), **shared) for folder in (one, other)]
        yield servers[0], servers[1]
        for server in servers:
            assert await server.stop() == 0
            assert not server.left_behind()


async def rotate(server: ObeliskProcess) -> auth_pb2.SigningKey:
    """Ask for a rotation, twice at once: they make one key."""
    async with ObeliskClient(server.grpc, token=await server.token()) as client:
        request = auth_pb2.RotateSigningKeyRequest()
        answers = await asyncio.gather(
            *(client.auth.RotateSigningKey(request, metadata=client.metadata) for _ in range(2))
        )
    first, second = (answer.key for answer in answers)
    assert first.kid == second.kid
    return first


async def published(server: ObeliskProcess) -> list[str]:
    async with httpx.AsyncClient() as web:
        answer = await web.get(f"{server.rest}/.well-known/jwks.json")
    return [key["kid"] for key in answer.raise_for_status().json()["keys"]]


async def test_three_rotations_under_load_refuse_nobody(fresh_database: Database) -> None:
    load = Load()
    async with two_servers(fresh_database) as (one, other):
        first_key = kid_of(await one.token())
        rotated: list[str] = []
        async with asyncio.TaskGroup() as group:
            for issuing, serving in ((one, other), (other, one), (one, one)):
                for _ in range(CLIENTS_FOR_EACH_PAIR):
                    group.create_task(load.client(issuing, serving))
            for number in range(ROTATIONS):
                rotated.append((await rotate((one, other)[number % 2])).kid)
                await load.until_used(rotated[-1])
            load.stopped = True
        everything = [first_key, *rotated]
        assert load.refused == []
        assert load.answered > 100 * ROTATIONS
        assert load.kids == set(everything)
        assert len(set(everything)) == 1 + ROTATIONS
        for server in (one, other):
            assert await published(server) == everything
            assert kid_of(await server.token()) == rotated[-1]
