"""Client-streaming uploads: a message with metadata, then bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TypeVar

from domain.errors import InvalidInput
from obelisk.v1 import document_pb2 as pb

Request = TypeVar("Request", pb.UploadDocumentRequest, pb.AppendUploadRequest)

_DISCARD_SECONDS = 10.0
# How long the news of a cancellation may take behind the end of the stream that it ended.
_CANCELLATION_SECONDS = 0.05


async def first_of(requests: AsyncIterator[Request]) -> Request:
    """The first message, which holds metadata. Raises InvalidInput."""
    async for request in requests:
        if request.WhichOneof("part") == "metadata":
            return request
        break
    raise InvalidInput("the first message of an upload holds its metadata", field="metadata")


async def content_of(requests: AsyncIterator[Request]) -> AsyncIterator[bytes]:
    """The bytes of the later messages. Raises InvalidInput where one holds anything else."""
    async for request in requests:
        if request.WhichOneof("part") != "content":
            raise InvalidInput("after the first message, send content only", field="content")
        yield request.content
    # A cancelled upload ends its stream like a whole one: let the cancellation arrive first.
    await asyncio.sleep(_CANCELLATION_SECONDS)


async def let_it_finish(requests: AsyncIterator[Request]) -> None:
    """Discard what is still being sent: cut off in mid-send, a client never hears the reason."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            async for _ in requests:
                pass
