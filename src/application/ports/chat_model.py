from collections.abc import AsyncGenerator
from typing import Protocol

from domain.agents.chat import ChatChunk, ChatRequest


class ChatModel(Protocol):
    """A model that writes. Safe to call from many tasks at once; none of them blocks the loop."""

    @property
    def name(self) -> str:
        """The model's stable name, as stored with runs and usage."""
        ...

    @property
    def context_tokens(self) -> int:
        """How many tokens prompt and answer may have together, for one request."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` in this model's terms; an upper bound where it cannot be known."""
        ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk]:
        """Yield text as it is decoded, then one `ChatFinished`.

        Cancelling the consumer, or closing the generator, stops decoding within 0.5 s.

        Raises:
            InvalidInput: the prompt does not fit the context (reason PROMPT_TOO_LONG).
            Unavailable: the model does not answer, or stopped answering (reason MODEL_UNAVAILABLE).
        """
        ...
