"""Who is refused while still sending hears the refusal, and not of a failed write of its own."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from domain.tenancy.space import SpaceNotFound
from entrypoints.grpc.interceptors.chain import Chain
from entrypoints.grpc.interceptors.errors import translated
from obelisk.v1 import document_pb2 as pb

_METHOD = "/test.Uploads/Send"
_TRIES = 150


async def _refuse(requests: AsyncIterator[Any], context: Any) -> pb.UploadDocumentResponse:
    raise SpaceNotFound


@pytest.mark.parametrize("pieces", [1, 3, 12])
async def test_who_is_refused_while_sending_hears_why(pieces: int) -> None:
    server = grpc.aio.server(interceptors=[Chain([translated])])
    handler = grpc.stream_unary_rpc_method_handler(
        _refuse,
        request_deserializer=pb.UploadDocumentRequest.FromString,
        response_serializer=pb.UploadDocumentResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("test.Uploads", {"Send": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            send: Any = channel.stream_unary(
                _METHOD,
                request_serializer=pb.UploadDocumentRequest.SerializeToString,
                response_deserializer=pb.UploadDocumentResponse.FromString,
            )
            heard = await asyncio.gather(*(_heard(send(), pieces) for _ in range(_TRIES)))
    finally:
        await server.stop(None)
    assert set(heard) == {grpc.StatusCode.NOT_FOUND}


async def _heard(call: Any, pieces: int) -> grpc.StatusCode:
    """What the call ends with, however far the sending came."""
    try:
        for _ in range(pieces):
            await call.write(pb.UploadDocumentRequest(content=b"x" * 20_000))
        await call.done_writing()
    except (asyncio.InvalidStateError, grpc.aio.AioRpcError):
        pass
    code: grpc.StatusCode = await call.code()
    return code
