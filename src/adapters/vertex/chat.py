"""A chat model of Vertex AI: Gemini, over gRPC."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import grpc
from google.api_core import exceptions as google_errors
from google.cloud.aiplatform_v1.types import GenerateContentRequest, GenerateContentResponse

from adapters.vertex.asking import Asking
from adapters.vertex.channel import prediction_client
from adapters.vertex.chat_answer import AnswerReader
from adapters.vertex.chat_request import Manner, refusal
from adapters.vertex.place import VertexPlace
from domain.agents.chat import ChatChunk, ChatMessage, ChatRequest, ModelUnavailable, TextDelta
from domain.token_bound import most_tokens

_CONNECT_SECONDS = 5.0
_Call = grpc.aio.UnaryStreamCall[GenerateContentRequest, GenerateContentResponse]


class VertexChatModel:
    """Thinks as little as the model allows; thoughts are counted with the answer's tokens.

    `first_seconds` is how long a try waits for its first piece, and how long a busy service is
    tried again; `idle_seconds` how long any later piece may take. A model that must think is given
    room for it: its answer may pass `max_tokens` by what it did not use. Of a schema the service
    keeps to the words that it documents: lengths and patterns of texts are not among them.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        place: VertexPlace,
        model: str,
        *,
        context_tokens: int = 1_048_576,
        first_seconds: float = 60.0,
        idle_seconds: float = 30.0,
    ) -> None:
        self._channel = channel
        # Not the client's own method: it first waits for the connection, and who is cancelled then
        # leaves a call behind that nobody can end. Google types it as one that answers once.
        transport = prediction_client(channel).transport
        self._call: Callable[..., _Call] = transport.stream_generate_content  # type: ignore[assignment]
        self._asking = Asking(
            channel, model=model, unavailable=ModelUnavailable, seconds=first_seconds
        )
        self._resource = place.model(model)
        self._metadata = (("x-goog-request-params", f"model={self._resource}"),)
        self._model = model
        self._context_tokens = context_tokens
        self._first, self._idle = first_seconds, idle_seconds
        self._manner = Manner()

    @property
    def name(self) -> str:
        return self._model

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    def count_tokens(self, text: str) -> int:
        return most_tokens(text)

    async def warm(self, prefix: tuple[ChatMessage, ...]) -> bool:
        """Opens the connection alone: a prompt that is read is billed."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await _connected(self._channel)
        except (TimeoutError, grpc.aio.UsageError):
            return False

    async def close(self) -> None:
        """Close the connection; running streams fail, later ones are refused."""
        await self._asking.close()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk]:
        reader = AnswerReader()
        async with aclosing(self._pieces(request)) as pieces:
            async for piece in pieces:
                if text := reader.read(piece):
                    yield TextDelta(text=text)
        yield reader.finished(request)

    async def _pieces(self, request: ChatRequest) -> AsyncGenerator[GenerateContentResponse]:
        async with self._asking.told(refusal(request)):
            call, piece = await self._accepted(request)
            try:
                while isinstance(piece, GenerateContentResponse):
                    yield piece
                    piece = await self._next(call)
            finally:
                # The call goes on at the service, and is billed, until somebody says so.
                call.cancel()

    async def _accepted(self, request: ChatRequest) -> tuple[_Call, object]:
        """The answer, asked for in the manner that the model takes; learned once."""
        manner = self._manner
        begin = self._asking.patience()(self._first_piece)
        while True:
            try:
                begun = await begin(manner.asking(self._resource, request))
            except google_errors.BadRequest as error:
                if (other := manner.after(str(error.message))) is None:
                    raise
                manner = other
            else:
                self._manner = manner
                return begun

    async def _first_piece(self, request: GenerateContentRequest) -> tuple[_Call, object]:
        async with self._within(self._first, "did not answer within"):
            call = self._call(request, metadata=self._metadata)
            try:
                return call, await _piece(call)
            except BaseException:
                call.cancel()
                raise

    async def _next(self, call: _Call) -> object:
        async with self._within(self._idle, "has been silent for"):
            return await _piece(call)

    @asynccontextmanager
    async def _within(self, seconds: float, told: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            raise ModelUnavailable(f"the model {self._model} {told} {seconds:g} s") from error


async def _piece(call: _Call) -> object:
    try:
        return await call.read()
    except grpc.RpcError as error:
        # It has no types.
        raise google_errors.from_grpc_error(error) from error  # type: ignore[no-untyped-call]


async def _connected(channel: grpc.aio.Channel) -> bool:
    state = channel.get_state(try_to_connect=True)
    while state in (grpc.ChannelConnectivity.IDLE, grpc.ChannelConnectivity.CONNECTING):
        await channel.wait_for_state_change(state)
        state = channel.get_state(try_to_connect=True)
    return state is grpc.ChannelConnectivity.READY
