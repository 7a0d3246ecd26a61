"""A chat model behind any server that speaks the OpenAI dialect."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx

from adapters.openai_compatible.dialect import AnswerReader, refusal, request_body
from adapters.openai_compatible.errors import ServerRefused, ServerSilent
from adapters.openai_compatible.model_server import Deadlines, ModelServer
from adapters.openai_compatible.sse import EventTooLong, events
from domain.agents.chat import ChatChunk, ChatMessage, ChatRequest, ModelUnavailable
from domain.token_bound import most_tokens


class OpenAiCompatibleChatModel:
    """Ollama, vLLM, llama.cpp's server, or a hosted one.

    `context_tokens` is what the operator says: the dialect has no way to ask. Ollama cuts a longer
    prompt without a word, so there it must not be above the server's own `num_ctx`.
    Where the server reports no usage, the counts of the last chunk are estimates.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | None = None,
        context_tokens: int = 8192,
        deadlines: Deadlines | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        """Raises:
        ValueError: `base_url` is not an http(s) address.
        """
        self._server = ModelServer(base_url, api_key=api_key, deadlines=deadlines, client=client)
        self._model = model
        self._context_tokens = context_tokens

    @property
    def name(self) -> str:
        return self._model

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    def count_tokens(self, text: str) -> int:
        return most_tokens(text)

    async def warm(self, prefix: tuple[ChatMessage, ...]) -> bool:
        """Opens the connection alone: a hosted server bills each prompt that it reads."""
        return await self._server.reached()

    async def close(self) -> None:
        """Close the connections; running streams fail, later ones are refused."""
        await self._server.close()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk]:
        body = request_body(self._model, request)
        reader = AnswerReader()
        try:
            async with aclosing(self._events(body)) as answer:
                async for event in answer:
                    if (delta := reader.read(event)) is not None:
                        yield delta
                    if reader.ended:
                        break
        except ServerRefused as refused:
            schema = request.json_schema is not None
            raise refusal(refused, model=self._model, schema=schema) from refused
        except (ServerSilent, EventTooLong, httpx.HTTPError) as silence:
            raise ModelUnavailable(str(silence) or "the model server broke off") from silence
        prompt = sum(
            len(message.content.encode("utf-8", "replace")) for message in request.messages
        )
        yield reader.finished(prompt_tokens=-(-prompt // 4))

    async def _events(self, body: dict[str, object]) -> AsyncGenerator[str]:
        if self._server.closed:
            raise ServerSilent(f"the model {self._model} is closed")
        deadlines = self._server.deadlines
        async with self._server.post("/chat/completions", body) as answer:
            response = answer.response
            if response.headers.get("content-type", "").startswith("application/json"):
                yield (await response.aread()).decode("utf-8", "replace")
                return
            seconds = max(0.0, deadlines.first_byte - answer.waited)
            async with aclosing(events(response.aiter_bytes())) as stream:
                while (event := await _next(stream, seconds)) is not None:
                    yield event
                    seconds = deadlines.idle


async def _next(stream: AsyncGenerator[str], seconds: float) -> str | None:
    # Comments that keep the line alive are no events: they do not move the deadline.
    try:
        async with asyncio.timeout(seconds):
            return await anext(stream, None)
    except TimeoutError as error:
        raise ServerSilent("the model server has been silent for too long") from error
