"""Interceptors as async context managers around a call, entered in order, in one wrapper."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import Message
from grpc.aio import ServicerContext

_log = logging.getLogger(__name__)
_HEAR_OUT_SECONDS = 1.0
_HEAR_OUT_MESSAGES = 64

# Any: an interceptor stands before every RPC, whatever its messages are.
Context = ServicerContext[Any, Any]
if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]
    Interceptor = grpc.aio.ServerInterceptor[Any, Any]
else:
    Handler, Interceptor = grpc.RpcMethodHandler, grpc.aio.ServerInterceptor


@dataclass(slots=True)
class _Abort:
    """A call is aborted once, and all who end it raise what gRPC raised then."""

    under_way: asyncio.Lock = field(default_factory=asyncio.Lock)
    raised: grpc.aio.AbortError | None = None


@dataclass(slots=True)
class Answer:
    """The first message that the handler answered, once it has."""

    message: Message | None = None

    def tell(self, message: Message) -> None:
        """Keep the first one."""
        if self.message is None:
            self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`method` is the full name, '/package.Service/Method'; header names are lower case.

    `repeated` names the headers that were given more than once. `request` is None when the caller
    streams its requests.
    """

    method: str
    headers: dict[str, str]
    context: Context
    streams: bool
    repeated: frozenset[str]
    request: Message | None = None
    answer: Answer = field(default_factory=Answer)
    _abort: _Abort = field(default_factory=_Abort)

    @property
    def lasts(self) -> bool:
        """Whether one side streams, and may take as long over it as it likes."""
        return self.streams or self.request is None

    async def hear_out(self) -> None:
        """Read on for a moment where the caller streams, before a refusal is sent.

        A client that is still writing when the call ends reports its own failed write, and not why.
        """
        if self.request is not None:
            return
        with suppress(Exception):
            async with asyncio.timeout(_HEAR_OUT_SECONDS):
                for _ in range(_HEAR_OUT_MESSAGES):
                    if not isinstance(await self.context.read(), Message):
                        return

    async def abort(self, status: grpc.Status) -> None:
        """End the call with `status`; raises grpc.aio.AbortError, also when it is over already."""
        async with self._abort.under_way:
            if self._abort.raised is not None:
                raise self._abort.raised
            try:
                await self.context.abort_with_status(status)  # type: ignore[attr-defined]  # stubs lack it
            except grpc.aio.AbortError as aborted:
                self._abort.raised = aborted
                raise
            except Exception as error:
                _log.debug("%s had ended before it could be aborted", self.method)
                raise grpc.aio.AbortError from error


Around = Callable[[Call], AbstractAsyncContextManager[None]]


class Chain(Interceptor):
    """The one way in. Calls of gRPC's own services (health, reflection) pass untouched."""

    def __init__(self, arounds: Sequence[Around]) -> None:
        self._arounds = tuple(arounds)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Any],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        handler: Handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith("/grpc."):
            return handler
        return self._wrapped(handler, method)

    def _wrapped(self, handler: Handler, method: str) -> Handler:
        make = grpc.unary_unary_rpc_method_handler
        behaviour: Any = self._answering(handler.unary_unary or handler.stream_unary, method)
        if handler.response_streaming:
            make = grpc.unary_stream_rpc_method_handler
            behaviour = self._streaming(handler.unary_stream, method)
        elif handler.request_streaming:
            make = grpc.stream_unary_rpc_method_handler
        return make(behaviour, handler.request_deserializer, handler.response_serializer)

    def _answering(self, behaviour: Any, method: str) -> Any:
        async def answer(request: Any, context: Context) -> Any:
            async with self._entered(method, request, context, streams=False) as entered:
                response = await behaviour(request, context)
                entered.call.answer.tell(response)
                return response

        return answer

    def _streaming(self, behaviour: Any, method: str) -> Any:
        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self._entered(method, request, context, streams=True) as entered:
                async for response in behaviour(request, context):
                    entered.call.answer.tell(response)
                    yield response

        return stream

    def _entered(self, method: str, request: Any, context: Context, *, streams: bool) -> "_Entered":
        given = [
            (key, value)
            for key, value in context.invocation_metadata() or ()
            if isinstance(value, str)
        ]
        counts = Counter(key for key, _ in given)
        call = Call(
            method=method,
            headers=dict(given),
            context=context,
            streams=streams,
            repeated=frozenset(key for key, count in counts.items() if count > 1),
            request=request if isinstance(request, Message) else None,
        )
        return _Entered(self._arounds, call)


class _Entered(AsyncExitStack):
    """All managers, entered in order; left in reverse."""

    def __init__(self, arounds: Sequence[Around], call: Call) -> None:
        super().__init__()
        self._arounds, self.call = arounds, call

    async def __aenter__(self) -> "_Entered":
        await super().__aenter__()
        try:
            for around in self._arounds:
                await self.enter_async_context(around(self.call))
        except BaseException as error:
            if not await self.__aexit__(type(error), error, error.__traceback__):
                raise
        return self
