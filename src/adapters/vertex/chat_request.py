"""Our chat requests as Gemini takes them, and what it says when it does not."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Self

from google.cloud.aiplatform_v1.types import GenerateContentRequest, GenerationConfig
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from domain.agents.chat import (
    ChatMessage,
    ChatRequest,
    JsonSchemaRefused,
    ModelUnavailable,
    PromptTooLong,
    Role,
)
from domain.errors import InvalidInput, ObeliskError

_Level = GenerationConfig.ThinkingConfig.ThinkingLevel
# From the least on: no model takes all of them, and some take none. With each, the tokens that such
# thoughts may have on top of the answer's, which they count against.
_THINKING = (
    ("thinking_level", _Level.MINIMAL, 0),
    ("thinking_level", _Level.LOW, 1024),
    ("thinking_budget", 0, 0),
    (None, 0, 0),
)
_ROLES = {Role.USER: "user", Role.ASSISTANT: "model"}
_LARGEST_SEED = 2**31 - 1
_THOUGHTS = re.compile(r"think", re.IGNORECASE)
_SAMPLING = re.compile(r"temperature|sampling|\bseed\b", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"token count|\b(input|prompt) tokens?\b|exceed.{0,40}\btokens\b|context (size|length|window)",
    re.IGNORECASE,
)
_COUNTS = re.compile(r"token count\D{0,12}(\d+)\D+(\d+)", re.IGNORECASE)
_SCHEMA = re.compile(r"schema|constraint|response_mime_type", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a model is asked; what it does not take is learned from its refusals.

    Newer models refuse to think as little as older ones, or to be told a temperature.
    """

    thinking: int = 0
    sampling: bool = True

    def after(self, words: str) -> Self | None:
        """How to ask next, refused in these words; None if they are about something else."""
        if self.sampling and _SAMPLING.search(words):
            return replace(self, sampling=False)
        if self.thinking + 1 < len(_THINKING) and _THOUGHTS.search(words):
            return replace(self, thinking=self.thinking + 1)
        return None

    def asking(self, resource: str, request: ChatRequest) -> GenerateContentRequest:
        """Raises:
        InvalidInput: the schema is no JSON object (INVALID_JSON_SCHEMA), or nothing is said.
        """
        asked = GenerateContentRequest(model=resource)
        # The bare message: proto-plus copies each value several times.
        message = GenerateContentRequest.pb(asked)
        for role, text in _turns(request.messages):
            message.contents.add(role=role).parts.add(text=text)
        for text in _instructions(request.messages):
            message.system_instruction.parts.add(text=text)
        if not message.contents:
            raise InvalidInput("a prompt needs words of a user", field="messages")
        thinking, amount, thoughts = _THINKING[self.thinking]
        config = message.generation_config
        config.max_output_tokens = request.max_tokens + thoughts
        if thinking is not None:
            setattr(config.thinking_config, thinking, amount)
        if self.sampling:
            config.temperature = request.temperature
            if request.seed is not None:
                config.seed = request.seed & _LARGEST_SEED
        if request.json_schema is not None:
            config.response_mime_type = "application/json"
            _parse(request.json_schema, config.response_json_schema.struct_value)
        return asked


def refusal(request: ChatRequest) -> Callable[[str], ObeliskError]:
    """The error that the service's words about a refused argument stand for."""

    def meant(words: str) -> ObeliskError:
        if _TOO_LONG.search(words):
            counts = _COUNTS.search(words)
            names = ("prompt_tokens", "context_tokens")
            metadata = dict(zip(names, counts.groups(), strict=True)) if counts else {}
            return PromptTooLong(words, field="messages", metadata=metadata)
        if request.json_schema is not None and _SCHEMA.search(words):
            return JsonSchemaRefused(words, field="json_schema")
        return ModelUnavailable(words)

    return meant


def _turns(messages: tuple[ChatMessage, ...]) -> Iterator[tuple[str, str]]:
    """Roles in turn, as the service wants them, and never one without words."""
    said = [message for message in messages if message.role in _ROLES and message.content.strip()]
    for role, group in groupby(said, key=lambda message: message.role):
        yield _ROLES[role], "\n\n".join(_whole(message.content) for message in group)


def _instructions(messages: tuple[ChatMessage, ...]) -> Iterator[str]:
    for message in messages:
        if message.role is Role.SYSTEM and message.content.strip():
            yield _whole(message.content)


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _parse(schema: str, into: Struct) -> None:
    try:
        json_format.Parse(schema, into)
    except json_format.ParseError as error:
        told = f"json_schema must be a JSON object: {str(error)[:200]}"
        raise JsonSchemaRefused(told, field="json_schema") from error
