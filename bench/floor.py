"""The floor: a bare grpc.aio server that sends a message a token, and nothing else."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from bench.paced_model import PacedChatModel

from domain.agents.chat import ChatMessage, ChatRequest, Role, TextDelta
from obelisk.v1 import run_pb2

_SERVICE, _METHOD = "bench.Floor", "Stream"
Stream = Callable[[str], AsyncIterable[run_pb2.TokenBatch]]


@asynccontextmanager
async def floor(model: PacedChatModel) -> AsyncGenerator[Stream]:
    """Serve the model's tokens on loopback; yields how to ask for them over real gRPC."""
    async with serve_floor(model, calls=1) as port, asked_floor(f"127.0.0.1:{port}") as stream:
        yield stream


@asynccontextmanager
async def serve_floor(model: PacedChatModel, *, calls: int) -> AsyncGenerator[int]:
    """Serve the tokens of `calls` model calls, one after the other; yields the port."""

    # Any: what a servicer context is generic in does not matter here.
    async def tokens(
        request: run_pb2.StartRunRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[run_pb2.TokenBatch]:
        message = ChatMessage(role=Role.USER, content=request.question)
        asked = ChatRequest(messages=(message,), temperature=0.0, max_tokens=1)
        for _ in range(calls):
            async for chunk in model.stream(asked):
                if isinstance(chunk, TextDelta):
                    yield run_pb2.TokenBatch(text=chunk.text)

    handler = grpc.unary_stream_rpc_method_handler(
        tokens,
        request_deserializer=run_pb2.StartRunRequest.FromString,
        response_serializer=run_pb2.TokenBatch.SerializeToString,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


@asynccontextmanager
async def asked_floor(target: str) -> AsyncGenerator[Stream]:
    """How to ask a floor that is served at `target`."""
    async with grpc.aio.insecure_channel(target) as channel:
        ask = channel.unary_stream(
            f"/{_SERVICE}/{_METHOD}",
            request_serializer=run_pb2.StartRunRequest.SerializeToString,
            response_deserializer=run_pb2.TokenBatch.FromString,
        )
        yield lambda question: ask(run_pb2.StartRunRequest(question=question))
