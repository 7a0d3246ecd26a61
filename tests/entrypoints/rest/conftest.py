"""A real gRPC server with the services of lab.proto, and the REST door in front of it."""

import asyncio
import contextlib
import hashlib
import importlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest
import uvicorn
from google.protobuf import descriptor_pool, json_format
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import status_pb2  # type: ignore[import-untyped]  # no py.typed
from grpc_health.v1 import health_pb2
from starlette.applications import Starlette

from entrypoints.rest.app import create_app
from entrypoints.rest.limits import Limits

HERE = Path(__file__).parent
THIRD_PARTY = HERE.parents[2] / "third_party"
CODES = {code.value[0]: code for code in grpc.StatusCode}
SECRET = "postgresql://obelisk:secret@10.0.0.1/obelisk"
PADDING = "x" * 1000


if TYPE_CHECKING:  # generic in the stubs only
    Context = grpc.aio.ServicerContext[Message, Message]


class Lab:
    """What lab.proto declares, and what its server has seen."""

    def __init__(self) -> None:
        self.service: ServiceDescriptor = descriptor_pool.Default().FindServiceByName(
            "obelisk.lab.v1.LabService"
        )
        self.cancelled: set[str] = set()
        self.sent = 0
        self.health = health_pb2.HealthCheckResponse.SERVING

    def new(self, name: str, **fields: object) -> Message:
        found = descriptor_pool.Default().FindMessageTypeByName(f"obelisk.lab.v1.{name}")
        message: Message = GetMessageClass(found)(**fields)
        return message

    @contextlib.contextmanager
    def noting_cancellation(self, context: "Context") -> Iterator[None]:
        """Keep the correlation ids of calls that did not get to their end."""
        try:
            yield
        except (asyncio.CancelledError, GeneratorExit):
            metadata = dict(context.invocation_metadata() or ())
            self.cancelled.add(str(metadata["x-correlation-id"]))
            raise

    async def until_cancelled(self, correlation_id: str, seconds: float = 3.0) -> None:
        async with asyncio.timeout(seconds):
            while correlation_id not in self.cancelled:  # noqa: ASYNC110  # any call may end first
                await asyncio.sleep(0.005)


class LabServicer:
    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def echo(self, request: Message, context: "Context") -> Message:
        return request

    async def who(self, request: Message, context: "Context") -> Message:
        received = context.invocation_metadata() or ()
        metadata = {key: str(value) for key, value in received if key != "user-agent"}
        await context.send_initial_metadata((("x-correlation-id", "of-the-server"),))
        left = context.time_remaining()
        return self._lab.new("WhoResponse", metadata=metadata, seconds_left=left)

    async def fail(self, request: Message, context: "Context") -> Message:
        given = json_format.MessageToDict(request)
        code, text = int(given["code"]), str(given.get("message", ""))
        if not given.get("details"):
            if code == 2:
                raise RuntimeError(SECRET)
            await context.abort(CODES[code], text)
        details = getattr(request, "details")  # noqa: B009  # made at run time
        packed = status_pb2.Status(code=code, message=text, details=details).SerializeToString()
        trailing = (("grpc-status-details-bin", packed),)
        await context.abort(CODES[code], text, trailing)

    async def sleep(self, request: Message, context: "Context") -> Message:
        with self._lab.noting_cancellation(context):
            await asyncio.sleep(30)
        return request

    async def watch(self, request: Message, context: "Context") -> AsyncIterator[Message]:
        asked = json_format.MessageToDict(request, preserving_proto_field_name=True)
        with self._lab.noting_cancellation(context):
            await asyncio.sleep(asked.get("silence_before", 0))
            after = int(asked.get("after_sequence", 0))
            for sequence in range(after + 1, after + 1 + asked.get("count", 0)):
                text = f"w{sequence}\n" + PADDING * asked.get("padding", 0)
                kind = {"token": {"text": text}} if sequence > 1 else {"started_now": {}}
                self._lab.sent += 1
                yield self._lab.new("WatchResponse", event={"sequence": sequence, **kind})
            await asyncio.sleep(asked.get("silence_after", 0))
        if asked.get("fail_with"):
            await context.abort(CODES[asked["fail_with"]], "as told")

    async def plain(self, request: Message, context: "Context") -> AsyncIterator[Message]:
        for number in (1, 2):
            yield self._lab.new("Everything", small=number)

    async def upload(self, requests: AsyncIterator[Message], context: "Context") -> Message:
        digest, sizes, metadata = hashlib.sha256(), [], None
        with self._lab.noting_cancellation(context):
            async for request in requests:
                kind = request.WhichOneof("part")
                if kind == "metadata":
                    metadata = getattr(request, kind)
                    if metadata.filename == "refused.txt":
                        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not here")
                    continue
                content: bytes = getattr(request, str(kind))
                digest.update(content)
                sizes.append(len(content))
            # A cancelled stream looks like one that has ended, until the next await.
            await asyncio.sleep(0)
        return self._lab.new(
            "UploadResponse",
            metadata=metadata,
            size=sum(sizes),
            sha256=digest.hexdigest(),
            largest_piece=max(sizes, default=0),
            pieces=len(sizes),
        )


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    out = tmp_path_factory.mktemp("lab") / "descriptors"
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{HERE}", f"-I{THIRD_PARTY}"]
    subprocess.run([*command, f"--descriptor_set_out={out}", "lab.proto"], check=True)
    (file,) = FileDescriptorSet.FromString(out.read_bytes()).file
    for needed in file.dependency:
        importlib.import_module(needed.removesuffix(".proto").replace("/", ".") + "_pb2")
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    return Lab()


def _health(lab: Lab) -> "grpc.GenericRpcHandler[Message, Message]":
    async def check(request: Message, context: "Context") -> Message:
        answer: Message = health_pb2.HealthCheckResponse(status=lab.health)
        return answer

    handler = grpc.unary_unary_rpc_method_handler(
        check,
        request_deserializer=health_pb2.HealthCheckRequest.FromString,
        response_serializer=health_pb2.HealthCheckResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler})


def _handlers(lab: Lab, servicer: LabServicer) -> "grpc.GenericRpcHandler[Message, Message]":
    handlers: dict[str, grpc.RpcMethodHandler[Message, Message]] = {}
    for method in lab.service.methods:
        streams = "stream" if method.client_streaming else "unary"
        answers = "stream" if method.server_streaming else "unary"
        make = getattr(grpc, f"{streams}_{answers}_rpc_method_handler")
        handlers[method.name] = make(
            getattr(servicer, method.name.lower()),
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
    return grpc.method_handlers_generic_handler(lab.service.full_name, handlers)


@pytest.fixture(scope="session")
async def channel(lab: Lab) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_handlers(lab, LabServicer(lab)),))
    server.add_generic_rpc_handlers((_health(lab),))
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


@pytest.fixture(scope="session")
async def address(app: Starlette) -> AsyncIterator[tuple[str, int]]:
    """Where the same application listens for real."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
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
