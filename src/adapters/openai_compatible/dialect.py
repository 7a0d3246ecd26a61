"""Chat completions as OpenAI, Ollama, vLLM and llama.cpp write them: alike, and not the same."""

import json
import re
from dataclasses import dataclass, field

from adapters.openai_compatible.errors import ServerRefused
from adapters.openai_compatible.whole_characters import WholeCharacters
from domain.agents.chat import (
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

_REASONS = {
    "stop": FinishReason.STOP,
    "tool_calls": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.REFUSED,
}
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|context (size|length|window)"
    r"|too many tokens|prompt is too long",
    re.IGNORECASE,
)
_SCHEMA = re.compile(r"schema|grammar|response_format|guided|structured", re.IGNORECASE)


def request_body(model: str, request: ChatRequest) -> Json:
    """Raises:
    InvalidInput: the schema is not a JSON object (reason INVALID_JSON_SCHEMA).
    """
    body: Json = {
        "model": model,
        "messages": [
            {"role": message.role.value, "content": _whole(message.content)}
            for message in request.messages
        ],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.seed is not None:
        body["seed"] = request.seed
    if request.json_schema is not None:
        body["response_format"] = _response_format(request.json_schema)
    return body


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _response_format(json_schema: str) -> Json:
    try:
        schema = json.loads(json_schema)
    except ValueError as error:
        raise JsonSchemaRefused(f"json_schema is not JSON: {error}", field="json_schema") from error
    if not isinstance(schema, dict):
        raise JsonSchemaRefused("json_schema must be a JSON object", field="json_schema")
    named = {"name": "answer", "schema": schema, "strict": True}
    return {"type": "json_schema", "json_schema": named}


@dataclass(slots=True)
class AnswerReader:
    """Follows one answer, event by event; unknown fields are passed over."""

    ended: bool = field(default=False, init=False)
    _reason: FinishReason | None = field(default=None, init=False)
    _usage: tuple[int, int] | None = field(default=None, init=False)
    _pieces: int = field(default=0, init=False)
    _characters: WholeCharacters = field(default_factory=WholeCharacters, init=False)

    def read(self, event: str) -> TextDelta | None:
        """The text in one event, if it completes any.

        Raises:
            ObeliskError: the event reports a failure, or is not JSON.
        """
        if event.strip() == "[DONE]":
            self.ended = True
            return self._delta(self._characters.rest())
        answer = _json_object(event)
        if answer.get("error") or answer.get("object") == "error":
            raise failure(answer)
        self._note_usage(answer.get("usage"))
        choice = _first(answer.get("choices"))
        self._note_reason(choice)
        # A server that does not stream sends the whole message instead of its pieces.
        piece = _object(choice.get("delta")) or _object(choice.get("message"))
        if piece.get("refusal"):
            self._reason = FinishReason.REFUSED
        content = piece.get("content")
        if not isinstance(content, str) or not content:
            return None
        self._pieces += 1
        return self._delta(self._characters.add(content))

    def finished(self, *, prompt_tokens: int) -> ChatFinished:
        """The last chunk; `prompt_tokens` stands in where the server reported no usage.

        Raises:
            Unavailable: the stream broke off before the answer's end.
        """
        if self._reason is None and not self.ended:
            raise ModelUnavailable("the model server broke off before the answer's end")
        prompt, completion = self._usage or (prompt_tokens, self._pieces)
        return ChatFinished(
            reason=self._reason or FinishReason.STOP,
            prompt_tokens=prompt,
            completion_tokens=completion,
        )

    def _note_usage(self, usage: object) -> None:
        counts = [_object(usage).get(key) for key in ("prompt_tokens", "completion_tokens")]
        match counts:
            case [int(prompt), int(completion)]:
                self._usage = (prompt, completion)

    def _note_reason(self, choice: Json) -> None:
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and self._reason is not FinishReason.REFUSED:
            self._reason = _REASONS.get(reason, FinishReason.STOP)

    def _delta(self, text: str) -> TextDelta | None:
        return TextDelta(text=text) if text else None


def refusal(refused: ServerRefused, *, model: str, schema: bool) -> ObeliskError:
    """The error that a failed status stands for."""
    if refused.status in (401, 403):
        return ModelUnavailable("the model server refuses the API key")
    if refused.status == 404:
        return ModelUnavailable(f"the model server has no model {model!r} at this address")
    if refused.status == 429:
        return ModelUnavailable("the model server is busy, or its quota is used up")
    try:
        answer = _json_object(refused.body.decode("utf-8", "replace"))
    except ModelUnavailable:
        answer = {}
    return failure(answer, status=refused.status, schema=schema)


def failure(answer: Json, *, status: int = 0, schema: bool = False) -> ObeliskError:
    """The error that an error object stands for, wherever it came."""
    error = answer.get("error")
    details = error if isinstance(error, dict) else answer
    message = str(details.get("message") or (error if isinstance(error, str) else ""))
    signs = f"{details.get('code')} {details.get('type')} {message}"
    if _TOO_LONG.search(signs):
        numbers = {
            "prompt_tokens": details.get("n_prompt_tokens"),
            "context_tokens": details.get("n_ctx"),
        }
        return PromptTooLong(
            f"the prompt does not fit the model's context: {message[:200]}",
            field="messages",
            metadata={name: str(number) for name, number in numbers.items() if number},
        )
    if schema and status in (400, 422) and _SCHEMA.search(signs):
        return JsonSchemaRefused(
            f"the model server refuses the schema: {message[:200]}", field="json_schema"
        )
    told = f": {message[:200]}" if message else ""
    return ModelUnavailable(f"the model server failed{f' ({status})' if status else ''}{told}")


def _json_object(text: str) -> Json:
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise ModelUnavailable("the model server sent something that is not JSON") from error
    return _object(answer)


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _first(values: object) -> Json:
    return _object(values[0]) if isinstance(values, list) and values else {}
