"""A real gRPC server with the services of lab.proto, and the REST door in front of it."""

import asyncio
import contextlib
import importlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import httpx
import pytest
import uvicorn
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from starlette.applications import Starlette

from entrypoints.rest.app import create_app
from entrypoints.rest.limits import Limits
from fixtures.rest_lab import Lab, health_handlers, lab_handlers

FIXTURES = Path(__file__).parents[2] / "fixtures"
THIRD_PARTY = FIXTURES.parents[1] / "third_party"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    out = tmp_path_factory.mktemp("lab") / "descriptors"
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{FIXTURES}", f"-I{THIRD_PARTY}"]
    subprocess.run([*command, f"--descriptor_set_out={out}", "lab.proto"], check=True)
    (file,) = FileDescriptorSet.FromString(out.read_bytes()).file
    for needed in file.dependency:
        importlib.import_module(needed.removesuffix(".proto").replace("/", ".") + "_pb2")
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    return Lab()


@pytest.fixture(scope="session")
async def channel(lab: Lab) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((lab_handlers(lab),))
    server.add_generic_rpc_handlers((health_handlers(lab),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as opened:
        yield opened
    await server.stop(None)


@pytest.fixture(scope="session")
def limits() -> Limits:
    return Limits(silence_seconds=0.1, heartbeat_seconds=0.1, upload_body_bytes=3 << 20)


@pytest.fixture(scope="session")
def app(channel: grpc.aio.Channel, lab: Lab, limits: Limits) -> Starlette:
    return create_app(
        channel, services=[lab.service], limits=limits, cors_origins=["https://app.example"]
    )


@pytest.fixture(scope="session")
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://obelisk.test") as opened:
        yield opened


class QuietServer(uvicorn.Server):
    """Leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest.fixture(scope="session")
async def address(app: Starlette) -> AsyncIterator[tuple[str, int]]:
    """Where the same application listens for real."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = QuietServer(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110  # it has no event to wait for
            await asyncio.sleep(0.01)
        yield listener.getsockname()
        server.should_exit = True


@pytest.fixture(scope="session")
async def web(address: tuple[str, int]) -> AsyncIterator[httpx.AsyncClient]:
    url = f"http://{address[0]}:{address[1]}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as opened:
        yield opened
