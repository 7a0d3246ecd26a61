"""A chat model that needs nothing but a file: llama.cpp in a child process of ours."""

import asyncio
import http.client
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import httpx

from adapters.local.control_tokens import neutraliser
from adapters.local.gguf import GgufHeader, InvalidGguf, read_header
from adapters.local.llama_process import LlamaProcess, LlamaSettings
from adapters.local.llama_wire import ChunkReader, event_data, failure, request_body
from adapters.local.token_counter import TokenCounter, most_tokens
from domain.agents.chat import ChatChunk, ChatMessage, ChatRequest, ModelUnavailable, Role
from domain.errors import ObeliskError

# The window of a slot comes in steps of this many tokens.
_CONTEXT_STEP = 256
# Longer than any batch of a prompt takes; a model that says nothing for so long hangs.
_SILENCE_SECONDS = 120.0


class LlamaChatModel:
    """A GGUF model, `parallel` answers at a time; further requests wait in order of arrival.

    A slot remembers its last prompt, so one that begins alike is read faster. What was remembered
    is never shown to anyone; that a beginning was seen before can be told from the time alone.

    A schema holds for the whole answer, yet an answer that ends with LENGTH is cut: not valid JSON.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        context_tokens: int = 4096,
        parallel: int = 2,
        threads: int = 1,
        prompt_threads: int | None = None,
    ) -> None:
        """`context_tokens` is for each request, rounded up to a multiple of 256.

        `threads` are for all answers together: more than there are idle cores makes them crawl.
        """
        if min(context_tokens, parallel, threads) < 1:
            raise ValueError("context_tokens, parallel and threads count from 1")
        self._name = name
        self._settings = LlamaSettings(
            path=path,
            context_tokens=-(-context_tokens // _CONTEXT_STEP) * _CONTEXT_STEP,
            parallel=parallel,
            threads=threads,
            prompt_threads=prompt_threads or threads,
        )
        self._slots = asyncio.Semaphore(parallel)
        self._starting = asyncio.Lock()
        self._link: _Link | None = None
        self._warming: asyncio.Timeout | None = None
        self._closed = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def context_tokens(self) -> int:
        return self._settings.context_tokens

    @property
    def process_id(self) -> int | None:
        """The child's, once it has started; for memory figures."""
        return self._link.process.pid if self._link else None

    def count_tokens(self, text: str) -> int:
        if self._link is None:
            return most_tokens(text)
        try:
            return self._link.tokens.count(self._link.neutralise(text))
        except (OSError, http.client.HTTPException, ValueError):
            return most_tokens(text)

    async def start(self) -> None:
        """Load the model, unless it is loaded; `stream` does so by itself at the first request.

        Raises:
            Unavailable: the file cannot be loaded, or `close` was called.
        """
        await self._linked()

    async def close(self) -> None:
        """Stop every answer, and release the memory. May be called twice."""
        self._closed = True
        async with self._starting:
            link, self._link = self._link, None
            if link is not None:
                await link.close()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk]:
        link = await self._linked()
        body = request_body(request, link.neutralise)
        self._end_warming_for_an_answer()
        async with self._slots:
            link = await self._linked()
            reader = ChunkReader()
            try:
                async with aclosing(link.events(body)) as events:
                    async for event in events:
                        if (delta := reader.read(event)) is not None:
                            yield delta
            except httpx.HTTPError as error:
                link.broken = True
                raise ModelUnavailable("the model stopped answering") from error
        yield reader.finished()

    async def warm(self, prefix: tuple[ChatMessage, ...]) -> bool:
        if self._slots.locked() or self._warming is not None:
            return False
        unasked = ChatMessage(role=Role.USER, content="")
        request = ChatRequest(messages=(*prefix, unasked), temperature=0.0, max_tokens=1)
        try:
            async with (
                asyncio.timeout(None) as self._warming,
                aclosing(self.stream(request)) as read,
            ):
                async for _ in read:
                    pass
        except (TimeoutError, ObeliskError):
            return False
        finally:
            self._warming = None
        return True

    def _end_warming_for_an_answer(self) -> None:
        if self._warming is not None and self._slots.locked():
            self._warming.reschedule(asyncio.get_running_loop().time())

    async def _linked(self) -> "_Link":
        async with self._starting:
            if self._closed:
                raise ModelUnavailable(f"the model {self._name} is closed")
            if self._link is not None and not self._link.usable:
                await self._link.close()
                self._link = None
            if self._link is None:
                self._link = await _open(self._settings)
            return self._link


class _Link:
    """A running child, and the ways to it."""

    def __init__(self, process: LlamaProcess, neutralise: Callable[[str], str]) -> None:
        self.process = process
        self.neutralise = neutralise
        self.broken = False
        self.tokens = TokenCounter(process.socket, process.api_key)
        self._client = httpx.AsyncClient(
            # No kept connections: the child may close one at the moment we send on it.
            transport=httpx.AsyncHTTPTransport(
                uds=str(process.socket), limits=httpx.Limits(max_keepalive_connections=0)
            ),
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {process.api_key}"},
            timeout=httpx.Timeout(5.0, read=_SILENCE_SECONDS),
        )

    @property
    def usable(self) -> bool:
        # A process that is just dying still counts as alive for some milliseconds.
        return not self.broken and self.process.alive

    async def answer_once(self) -> None:
        """One exchange ahead of the first request, which would else pay for late imports."""
        (await self._client.get("/health")).raise_for_status()

    async def events(self, body: bytes) -> AsyncGenerator[str]:
        """The data of each event. Closing this closes the connection, which stops the decoding."""
        headers = {"Content-Type": "application/json"}
        async with self._client.stream(
            "POST", "/v1/chat/completions", content=body, headers=headers
        ) as response:
            if response.status_code != httpx.codes.OK:
                await response.aread()
                raise failure(response.json())
            async for data in event_data(response.aiter_bytes()):
                yield data

    async def close(self) -> None:
        self.tokens.close()
        await self._client.aclose()
        await asyncio.to_thread(self.process.close)


async def _open(settings: LlamaSettings) -> _Link:
    header = await asyncio.to_thread(_checked_header, settings)
    process = await asyncio.to_thread(LlamaProcess, settings)
    try:
        await asyncio.to_thread(process.wait_until_loaded)
        link = _Link(process, neutraliser(header.control_tokens))
        await link.answer_once()
    except BaseException as error:
        process.close()
        if isinstance(error, httpx.HTTPError):
            raise ModelUnavailable("the model loads, and does not answer") from error
        raise
    return link


def _checked_header(settings: LlamaSettings) -> GgufHeader:
    name = settings.path.name
    try:
        header = read_header(settings.path)
    except OSError as error:
        raise ModelUnavailable(f"the model file {name} cannot be read") from error
    except InvalidGguf as error:
        raise ModelUnavailable(f"the model file {name} is not usable: {error}") from error
    if header.trained_context_tokens and settings.context_tokens > header.trained_context_tokens:
        raise ModelUnavailable(
            f"the model file {name} was trained for {header.trained_context_tokens} tokens of"
            f" context, not {settings.context_tokens}: set context_tokens lower"
        )
    return header
