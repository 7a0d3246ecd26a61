"""A chat model that says what it is told to: for tests and examples."""

import asyncio
from collections.abc import AsyncGenerator

from domain.agents.chat import (
    ChatChunk,
    ChatFinished,
    ChatMessage,
    ChatRequest,
    FinishReason,
    PromptTooLong,
    TextDelta,
)


class ScriptedChatModel:
    """Says the same pieces for every request, `delay` seconds before each; a word is a token.

    With a `failure`, raises it after the pieces. `requests` are those made, `warmed` the prefixes
    that were read ahead; `streaming` counts the streams that are open.
    """

    name = "scripted"

    def __init__(
        self,
        *pieces: str,
        delay: float = 0.0,
        reason: FinishReason = FinishReason.STOP,
        failure: Exception | None = None,
        context_tokens: int = 4096,
    ) -> None:
        self._pieces = pieces
        self._delay = delay
        self._reason = reason
        self._failure = failure
        self._context_tokens = context_tokens
        self.requests: list[ChatRequest] = []
        self.warmed: list[tuple[ChatMessage, ...]] = []
        self.streaming = 0

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def warm(self, prefix: tuple[ChatMessage, ...]) -> bool:
        if self._failure is not None:
            return False
        self.warmed.append(prefix)
        return True

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk]:
        prompt = sum(self.count_tokens(message.content) for message in request.messages)
        if prompt + request.max_tokens > self._context_tokens:
            raise PromptTooLong(
                f"prompt and answer take {prompt + request.max_tokens} tokens;"
                f" the model reads {self._context_tokens}"
            )
        self.requests.append(request)
        self.streaming += 1
        try:
            for piece in self._pieces:
                await asyncio.sleep(self._delay)
                yield TextDelta(text=piece)
            if self._failure is not None:
                raise self._failure
            yield self._finished(prompt)
        finally:
            self.streaming -= 1

    def _finished(self, prompt: int) -> ChatFinished:
        said = self.count_tokens("".join(self._pieces))
        return ChatFinished(reason=self._reason, prompt_tokens=prompt, completion_tokens=said)
