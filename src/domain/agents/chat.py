"""The words exchanged with a chat model, whichever it is."""

from dataclasses import dataclass
from enum import Enum

from domain.errors import InvalidInput, Unavailable


class Role(Enum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class FinishReason(Enum):
    STOP = "stop"
    LENGTH = "length"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """`json_schema` (JSON text) constrains the whole answer; `seed` makes sampling repeatable."""

    messages: tuple[ChatMessage, ...]
    temperature: float
    max_tokens: int
    json_schema: str | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if not self.messages:
            raise ValueError("a chat request needs at least one message")
        if not 0.0 <= self.temperature <= 2.0:
            raise ValueError(f"temperature lies in 0.0..2.0, not {self.temperature}")
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens counts from 1, not {self.max_tokens}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """A piece of the answer; never empty; whole characters only."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFinished:
    """The last chunk of every stream that was not cancelled; counts are in the model's tokens."""

    reason: FinishReason
    prompt_tokens: int
    completion_tokens: int


ChatChunk = TextDelta | ChatFinished


class PromptTooLong(InvalidInput):
    reason = "PROMPT_TOO_LONG"


class JsonSchemaRefused(InvalidInput):
    reason = "INVALID_JSON_SCHEMA"


class ModelUnavailable(Unavailable):
    reason = "MODEL_UNAVAILABLE"
