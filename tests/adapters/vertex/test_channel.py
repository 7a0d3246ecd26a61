"""Credentials: none, and those of a service account, as far as the service."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.vertex.channel import open_channel
from adapters.vertex.place import VertexPlace
from domain.errors import InvalidInput
from fixtures.certificates import self_signed
from fixtures.vertex_server import FakeVertex, serving_vertex

ASK = """
import asyncio, sys
from adapters.vertex.opening import open_embedder
from adapters.vertex.place import VertexPlace

async def ask():
    embedder = await open_embedder(VertexPlace.parse(sys.argv[1]), "texts", dimensions=8)
    print(len(await embedder.embed_query("words")))
    await embedder.close()

asyncio.run(ask())
"""


async def test_where_there_are_no_credentials_it_says_where_they_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(InvalidInput, match="GOOGLE_APPLICATION_CREDENTIALS"):
        await open_channel(VertexPlace.parse("vertex://p/us-east1"), "aiplatform")


@pytest.fixture
async def behind_tls(tmp_path: Path) -> AsyncIterator[FakeVertex]:
    key, certificate = self_signed("localhost")
    (tmp_path / "roots.pem").write_bytes(certificate)
    credentials = grpc.ssl_server_credentials([(key, certificate)])
    async with serving_vertex(credentials) as fake:
        yield fake


@pytest.fixture
async def token_address() -> AsyncIterator[str]:
    """A server that gives whoever asks the token "let-me-in"."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"access_token": "let-me-in", "expires_in": 3600}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/token"


async def test_a_service_account_s_token_reaches_the_service_and_nothing_but_tls_carries_it(
    tmp_path: Path, behind_tls: FakeVertex, token_address: str
) -> None:
    account = tmp_path / "account.json"
    account.write_text(json.dumps(_service_account(token_address)))
    place = f"vertex://project/europe-west4?endpoint=localhost:{behind_tls.port}"
    # Which roots are trusted is read once in the life of a process.
    asking = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        ASK,
        place,
        stdout=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "GOOGLE_APPLICATION_CREDENTIALS": str(account),
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(tmp_path / "roots.pem"),
            "NO_PROXY": "*",
        },
    )
    said, _ = await asking.communicate()
    assert said.strip() == b"8"
    assert behind_tls.headers["authorization"] == "Bearer let-me-in"


def _service_account(token_address: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "1",
        "private_key": private.decode(),
        "client_email": "writer@project.iam.gserviceaccount.com",
        "token_uri": token_address,
    }
