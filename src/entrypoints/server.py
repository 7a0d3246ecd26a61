"""The servers of one process: gRPC, and REST over a loopback channel to it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import grpc
import uvicorn

from domain.errors import FailedPrecondition
from entrypoints.container import Container
from entrypoints.grpc.interceptors.open_streams import OpenStreams
from entrypoints.grpc.server import HealthChecks, build_server, say_serving
from entrypoints.heap import settled_heap
from entrypoints.keys import key_policy
from entrypoints.rest.app import create_app
from entrypoints.settings import Settings

GRACE_SECONDS = 2.0
# The gRPC server has said how large a message may be; the way to REST adds no limit of its own.
_UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


class AddressInUse(FailedPrecondition):
    reason = "ADDRESS_IN_USE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """`grpc` is host:port, `rest` an http URL."""

    grpc: str
    rest: str


@asynccontextmanager
async def serving(container: Container, settings: Settings) -> AsyncGenerator[Addresses]:
    """Serve until left; calls under way then get two seconds to end.

    Raises:
        AddressInUse: a port is taken.
    """
    async with AsyncExitStack() as stack:
        streams = OpenStreams(
            authenticate=container.authenticate(),
            authority=container.authority(),
            clock=container.clock(),
            skew=key_policy(settings).skew,
        )
        await streams.start()
        stack.push_async_callback(streams.close)
        port = await _start_grpc(build_server(container, streams), settings, stack)
        stack.push_async_callback(streams.leave)
        target = f"{settings.grpc_host}:{port}"
        rest_port = await _start_rest(target, container, settings, stack)
        stack.enter_context(settled_heap())
        yield Addresses(grpc=target, rest=f"http://{settings.rest_host}:{rest_port}")


async def _start_grpc(
    built: tuple[grpc.aio.Server, HealthChecks], settings: Settings, stack: AsyncExitStack
) -> int:
    server, health = built
    await say_serving(health)
    address = f"{settings.grpc_host}:{settings.grpc_port}"
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise AddressInUse(
            f"{address} is taken; stop what listens there, or set OBELISK_GRPC_PORT"
        ) from error
    await server.start()
    stack.push_async_callback(_stop_grpc, server)
    stack.push_async_callback(health.enter_graceful_shutdown)
    return port


async def _stop_grpc(server: grpc.aio.Server) -> None:
    await server.stop(GRACE_SECONDS)


async def _start_rest(
    target: str, container: Container, settings: Settings, stack: AsyncExitStack
) -> int:
    channel = grpc.aio.insecure_channel(target, options=_UNLIMITED)
    stack.push_async_callback(channel.close, None)
    config = uvicorn.Config(
        create_app(
            channel,
            cors_origins=settings.rest_allowed_origins,
            relay=container.relay(),
            trusted_proxies=settings.rest_trusted_proxies,
            # Shorter than a new key is published before it signs.
            jwks_max_age=int(settings.key_lead_seconds / 2),
        ),
        host=settings.rest_host,
        port=settings.rest_port,
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        # Else any caller on this machine could claim to be somebody else.
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=int(GRACE_SECONDS),
    )
    try:
        listener = config.bind_socket()
    except SystemExit:
        raise AddressInUse(
            f"port {settings.rest_port} is taken; stop what listens there, or set OBELISK_REST_PORT"
        ) from None
    server = _Uvicorn(config)
    task = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
    stack.push_async_callback(_stop_rest, server, task)
    return int(listener.getsockname()[1])


async def _stop_rest(server: uvicorn.Server, task: "asyncio.Task[None]") -> None:
    server.should_exit = True
    await task


class _Uvicorn(uvicorn.Server):
    """Signals are the process's to handle, not the web server's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
