"""How each kind of RPC answers an HTTP request. A handler is made once for each route."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from starlette.types import Receive

from entrypoints.rest.bodies import Body, ClientGone
from entrypoints.rest.encoding import Json
from entrypoints.rest.errors import from_rpc
from entrypoints.rest.framing import LAST_EVENT_ID, Framing, JsonLines, ServerSentEvents, resume
from entrypoints.rest.headers import RequestHeaders
from entrypoints.rest.limits import Limits
from entrypoints.rest.reply import Reply
from entrypoints.rest.routes import Route
from entrypoints.rest.sse import StreamRelay
from entrypoints.rest.templates import TemplateError
from entrypoints.rest.transcoder import answer_encoder, build_request
from entrypoints.rest.uploads import UploadShape, upload

WATCH_AFTER_SECONDS = 1.0
UnaryCall = grpc.aio.UnaryUnaryCall[Message, Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One HTTP request whose route is found."""

    headers: RequestHeaders
    captured: Mapping[str, str]
    query: list[tuple[str, str]]
    body: Body
    receive: Receive
    reply: Reply


class Handler(Protocol):
    async def __call__(self, exchange: Exchange) -> None:
        """Answer. Raises HttpError while nothing has been sent yet, and ClientGone."""
        ...


def handler_for(route: Route, channel: grpc.aio.Channel, limits: Limits) -> Handler:
    """Raises TemplateError when the RPC is of a kind that has no HTTP form."""
    method = route.method
    if method.client_streaming:
        shape = UploadShape.of(method.input_type)
        if method.server_streaming or shape is None:
            raise TemplateError(f"{route.rpc}: only uploads can stream from an HTTP client")
        return UploadHandler(route, channel, limits, shape)
    kind = StreamHandler if method.server_streaming else UnaryHandler
    return kind(route, channel, limits)


class UnaryHandler:
    """A JSON answer to one call."""

    def __init__(self, route: Route, channel: grpc.aio.Channel, limits: Limits) -> None:
        self._route, self._limits, self._encode = route, limits, answer_encoder(route)
        self._stub = channel.unary_unary(route.rpc, *_codecs(route))

    async def __call__(self, exchange: Exchange) -> None:
        timeout = exchange.headers.deadline(self._limits.call_seconds)
        request = await _read_request(self._route, exchange, self._limits)
        call = self._stub(request, timeout=timeout, metadata=exchange.headers.metadata())
        try:
            answer = await _unless_gone(call, exchange)
            exchange.reply.adopt(await call.initial_metadata())
        except grpc.aio.AioRpcError as error:
            exchange.reply.adopt(error.initial_metadata())
            raise from_rpc(error) from error
        await exchange.reply.json(200, self._encode(answer))


class UploadHandler:
    """A JSON answer to a body that is streamed on."""

    def __init__(
        self, route: Route, channel: grpc.aio.Channel, limits: Limits, shape: UploadShape
    ) -> None:
        self._limits, self._shape, self._encode = limits, shape, answer_encoder(route)
        self._stub = channel.stream_unary(route.rpc, *_codecs(route))

    async def __call__(self, exchange: Exchange) -> None:
        timeout = exchange.headers.deadline(self._limits.stream_seconds)
        call = self._stub(None, timeout=timeout, metadata=exchange.headers.metadata())
        body = exchange.body.pieces(self._limits.upload_body_bytes)
        try:
            answer = await upload(
                call, self._shape, exchange.body.content_type, exchange.query, body
            )
            exchange.reply.adopt(await call.initial_metadata())
        except grpc.aio.AioRpcError as error:
            exchange.reply.adopt(error.initial_metadata())
            raise from_rpc(error) from error
        finally:
            call.cancel()
        await exchange.reply.json(200, self._encode(answer))


class StreamHandler:
    """Server-sent events, or JSON lines for a caller who accepts those."""

    def __init__(self, route: Route, channel: grpc.aio.Channel, limits: Limits) -> None:
        self._route, self._limits, encode = route, limits, answer_encoder(route)
        self._stub = channel.unary_stream(route.rpc, *_codecs(route))
        self._events: Framing = ServerSentEvents(route.method.output_type, encode)
        self._lines: Framing = JsonLines(encode)

    async def __call__(self, exchange: Exchange) -> None:
        timeout = exchange.headers.deadline(self._limits.stream_seconds)
        request = await _read_request(self._route, exchange, self._limits)
        resume(request, exchange.headers.get(LAST_EVENT_ID))
        lines = self._lines.content_type in exchange.headers.get("accept")
        call = self._stub(request, timeout=timeout, metadata=exchange.headers.metadata())
        framing = self._lines if lines else self._events
        await StreamRelay(call, framing, exchange.reply, self._limits).run(exchange.receive)


def _codecs(route: Route) -> tuple[Callable[[Message], bytes], Callable[[bytes], Message]]:
    answer: type[Message] = GetMessageClass(route.method.output_type)
    return lambda message: message.SerializeToString(), answer.FromString


async def _read_request(route: Route, exchange: Exchange, limits: Limits) -> Message:
    body: Json = None
    if route.body:
        body = await exchange.body.read_json(limits.json_body_bytes)
    else:
        await exchange.body.refuse()
    return build_request(route, exchange.captured, exchange.query, body)


async def _unless_gone(call: UnaryCall, exchange: Exchange) -> Message:
    """The call's answer. A long call is cancelled when its caller leaves: raises ClientGone."""
    watchers: list[asyncio.Task[None]] = []
    outcome: Message | Exception
    async with asyncio.TaskGroup() as tasks:
        # Most calls end before a watcher would pay.
        timer = asyncio.get_running_loop().call_later(
            WATCH_AFTER_SECONDS,
            lambda: watchers.append(tasks.create_task(_cancel_when_gone(call, exchange.receive))),
        )
        try:
            outcome = await call
        except grpc.aio.AioRpcError as error:
            outcome = error
        except asyncio.CancelledError:
            if not any(watcher.done() for watcher in watchers):
                raise
            outcome = ClientGone()
        finally:
            timer.cancel()
            for watcher in watchers:
                watcher.cancel()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def _cancel_when_gone(call: UnaryCall, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    call.cancel()
