"""Client-streaming RPCs whose first message is metadata and whose later ones are bytes.

The file comes as the raw body, with the metadata in the query, or as the one file part of a
multipart/form-data body, with the metadata in the query or in fields before the file. It is passed
on as it arrives: at most two pieces of 256 KiB are in memory.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from entrypoints.rest.decoding import decode, field_named
from entrypoints.rest.errors import refused, unsupported_content
from entrypoints.rest.multipart import MultipartReader, boundary_of, malformed
from entrypoints.rest.query import query_json

PIECE_BYTES = 256 * 1024
MAX_FIELD_BYTES = 64 * 1024
MAX_FIELDS = 64
UploadCall = grpc.aio.StreamUnaryCall[Message, Message]
Pairs = list[tuple[str, str]]
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadShape:
    """How a request type is uploaded: a oneof of one metadata message and one bytes field."""

    request: Descriptor
    metadata: FieldDescriptor
    content: FieldDescriptor

    @classmethod
    def of(cls, request: Descriptor) -> "UploadShape | None":
        """The shape when the request type follows the rule, else None."""
        if len(request.oneofs) != 1 or len(request.fields) != 2:
            return None
        metadata = [field for field in request.oneofs[0].fields if field.message_type is not None]
        content = [f for f in request.oneofs[0].fields if f.type == FieldDescriptor.TYPE_BYTES]
        if len(metadata) != 1 or len(content) != 1:
            return None
        return cls(request=request, metadata=metadata[0], content=content[0])

    @property
    def metadata_type(self) -> Descriptor:
        assert self.metadata.message_type is not None
        return self.metadata.message_type

    def first(self, pairs: Pairs, filename: str | None = None) -> Message:
        """The metadata message. The file part's own name counts when no other is given."""
        tree = query_json(self.metadata_type, pairs)
        if filename and field_named(self.metadata_type, "filename") is not None:
            tree.setdefault("filename", filename)
        message: Message = GetMessageClass(self.request)()
        decode({self.metadata.name: tree}, message)
        return message

    def next(self, piece: bytes) -> Message:
        message: Message = GetMessageClass(self.request)(**{self.content.name: piece})
        return message


async def upload(
    call: UploadCall,
    shape: UploadShape,
    content_type: str,
    pairs: Pairs,
    body: AsyncIterator[bytes],
) -> Message:
    """Stream `body` into `call` and give its answer; stops reading once the server has answered.

    Raises HttpError (400, 413, 415) for a wrong body, and whatever the call ends with.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        messages = _form_messages(shape, boundary_of(content_type), pairs, body)
    elif media_type == _FORM or media_type.startswith("multipart/"):
        raise unsupported_content(
            "send the file itself as Content-Type: application/octet-stream, "
            f"or as a file part of multipart/form-data, not {media_type}"
        )
    else:
        messages = _raw_messages(shape, pairs, body)
    ending = _first_ending(call)
    # Either error: the server has answered before it had read everything.
    async with contextlib.aclosing(messages):
        with contextlib.suppress(asyncio.InvalidStateError, grpc.aio.AioRpcError):
            async for message in messages:
                await call.write(message)
            await call.done_writing()
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        # A write that failed says INTERNAL, before or after the server's own word was known.
        if error.code() is not grpc.StatusCode.INTERNAL:
            raise
        raise await ending from error


def _first_ending(call: UploadCall) -> "asyncio.Future[grpc.aio.AioRpcError]":
    """How the call ended at first: a write that fails later puts its own failure over that."""
    ending: asyncio.Future[grpc.aio.AioRpcError] = asyncio.get_running_loop().create_future()

    def note(_: object) -> None:
        if not ending.done():
            ending.set_result(_at_once(_ending(call)))

    call.add_done_callback(note)
    return ending


async def _ending(call: UploadCall) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        await call.code(),
        await call.initial_metadata(),
        await call.trailing_metadata(),
        await call.details(),
        None,
    )


def _at_once(work: Coroutine[object, None, grpc.aio.AioRpcError]) -> grpc.aio.AioRpcError:
    """The result of what never waits, as the questions to a call that has ended do not."""
    try:
        work.send(None)
    except StopIteration as done:
        answer: grpc.aio.AioRpcError = done.value
        return answer
    work.close()
    raise RuntimeError("a call that has ended was waited for")


async def _raw_messages(
    shape: UploadShape, pairs: Pairs, body: AsyncIterator[bytes]
) -> AsyncGenerator[Message, None]:
    yield shape.first(pairs)
    async for piece in regroup(body):
        yield shape.next(piece)


async def _form_messages(
    shape: UploadShape, boundary: bytes, pairs: Pairs, body: AsyncIterator[bytes]
) -> AsyncGenerator[Message, None]:
    reader = MultipartReader(body, boundary)
    fields = list(pairs)
    while (part := await reader.next_part()) is not None and part.filename is None:
        if len(fields) >= MAX_FIELDS:
            raise malformed(f"more than {MAX_FIELDS} fields")
        fields.append((part.name, await _field_text(reader, part.name)))
    if part is None:
        raise refused("the form has no file part", reason="FILE_MISSING", field=shape.content.name)
    yield shape.first(fields, part.filename)
    async for piece in regroup(reader.content()):
        yield shape.next(piece)
    if (extra := await reader.next_part()) is not None:
        text = (
            f'the part "{extra.name[:100]}" comes after the file: send one file, as the last part'
        )
        raise refused(text, reason="BODY_MALFORMED", field=extra.name[:100])
    async for _ in body:
        pass


async def _field_text(reader: MultipartReader, name: str) -> str:
    text = bytearray()
    async for piece in reader.content():
        text += piece
        if len(text) > MAX_FIELD_BYTES:
            raise malformed(f'the field "{name[:100]}" is longer than {MAX_FIELD_BYTES} bytes')
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise malformed(f'the field "{name[:100]}" is not UTF-8') from None


async def regroup(body: AsyncIterator[bytes], size: int = PIECE_BYTES) -> AsyncIterator[bytes]:
    """The same bytes in pieces of `size`; only the last is shorter, and none is empty."""
    buffer = bytearray()
    async for piece in body:
        buffer += piece
        while len(buffer) >= size:
            yield bytes(buffer[:size])
            del buffer[:size]
    if buffer:
        yield bytes(buffer)
