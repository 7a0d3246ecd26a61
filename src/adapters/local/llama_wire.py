"""The words spoken with the child: one chat request in, server-sent events out."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from domain.agents.chat import (
    ChatChunk,
    ChatFinished,
    ChatRequest,
    FinishReason,
    JsonSchemaRefused,
    ModelUnavailable,
    PromptTooLong,
    TextDelta,
)
from domain.errors import ObeliskError

Json = dict[str, object]
_REASONS = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}


def request_body(request: ChatRequest, neutralise: Callable[[str], str]) -> bytes:
    """The request as the child reads it; `neutralise` takes the control words out of each text.

    Raises:
        InvalidInput: the schema is not a JSON object (reason INVALID_JSON_SCHEMA).
    """
    body: Json = {
        "messages": [
            {"role": message.role.value, "content": neutralise(message.content)}
            for message in request.messages
        ],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        "cache_prompt": True,
        # It would count the end of the prompt, and so keep the model from repeating its numbers.
        "repeat_penalty": 1.0,
        # Progress is written while the prompt is read, so a reader who left is noticed early.
        "return_progress": True,
    }
    if request.seed is not None:
        body["seed"] = request.seed % 2**32
    if request.json_schema is not None:
        body["response_format"] = _response_format(request.json_schema)
    return json.dumps(body).encode()


def _response_format(json_schema: str) -> Json:
    try:
        schema = json.loads(json_schema)
    except ValueError as error:
        raise JsonSchemaRefused(f"json_schema is not JSON: {error}", field="json_schema") from error
    if not isinstance(schema, dict):
        raise JsonSchemaRefused("json_schema must be a JSON object", field="json_schema")
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


async def event_data(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """The data of each event. Only LF ends a line: text may hold U+2028, where Python would cut."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            kind, _, data = line.partition(b": ")
            if kind in (b"data", b"error") and data != b"[DONE]":
                yield data.decode("utf-8", "replace")


@dataclass(slots=True)
class ChunkReader:
    """Turns the child's events into chunks; `finished` is given out by the caller at the end."""

    _reason: FinishReason | None = field(default=None, init=False)
    _prompt_tokens: int = field(default=0, init=False)
    _completion_tokens: int = field(default=0, init=False)

    def read(self, event: str) -> TextDelta | None:
        """The text in one event, if it holds any.

        Raises:
            ObeliskError: the event reports a failure.
        """
        data = json.loads(event)
        if "error" in data:
            raise failure(data)
        self._note_usage(data.get("usage"))
        for choice in data.get("choices") or ():
            self._reason = _REASONS.get(choice.get("finish_reason") or "", self._reason)
            text = (choice.get("delta") or {}).get("content")
            if text:
                return TextDelta(text=text)
        return None

    def finished(self) -> ChatChunk:
        """The last chunk.

        Raises:
            Unavailable: the stream broke off before the model had finished.
        """
        if self._reason is None:
            raise ModelUnavailable("the model stopped answering before the end")
        return ChatFinished(
            reason=self._reason,
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
        )

    def _note_usage(self, usage: dict[str, int] | None) -> None:
        if usage:
            self._prompt_tokens = usage["prompt_tokens"]
            self._completion_tokens = usage["completion_tokens"]


def failure(answer: Json) -> ObeliskError:
    """The error that the child's answer stands for."""
    error = answer.get("error")
    details = error if isinstance(error, dict) else {}
    message = str(details.get("message", "no reason given"))
    if details.get("type") == "exceed_context_size_error":
        return prompt_too_long(details.get("n_prompt_tokens"), details.get("n_ctx"))
    if "schema" in message.lower() or "grammar" in message.lower():
        return JsonSchemaRefused(
            f"json_schema is refused: {message.rpartition('failed: ')[2]}", field="json_schema"
        )
    return ModelUnavailable(f"the model failed: {message[:200]}")


def prompt_too_long(tokens: object, limit: object) -> PromptTooLong:
    return PromptTooLong(
        f"the prompt has {tokens} tokens and the context holds {limit},"
        " which the answer shares: shorten the prompt",
        field="messages",
        metadata={"prompt_tokens": str(tokens), "context_tokens": str(limit)},
    )
