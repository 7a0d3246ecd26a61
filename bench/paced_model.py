"""A chat model that writes from a script, at a given pace: the price of a model taken out."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import cycle, islice

from domain.agents.chat import ChatChunk, ChatFinished, ChatRequest, FinishReason, TextDelta

_CHARACTERS_A_TOKEN = 4
_TEXT = """
Waxed canvas lasts because every seam is sewn twice and every strap can be mended by hand, so the
bag that you carry today is still the one you carry ten years from now, and that is why we sell
thread and buckles next to new bags at the same counter in every shop we run.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`first` seconds to the first token, `between` seconds from each token to the next."""

    name: str
    first: float
    between: float

    def seconds(self, tokens: int) -> float:
        """The model's own time for a whole answer."""
        return self.first + self.between * (tokens - 1)


FAST = Pace(name="fast", first=0.0, between=0.0)
LLM = Pace(name="llm", first=0.2, between=0.005)
PACES = {pace.name: pace for pace in (FAST, LLM)}


class PacedChatModel:
    """A `ChatModel` of `tokens` tokens for each answer; `pace` may be changed between runs."""

    name = "paced"
    context_tokens = 8192

    def __init__(self, tokens: int, pace: Pace) -> None:
        self.pace = pace
        self.tokens = tuple(islice(cycle(f"{word} " for word in _TEXT.split()), tokens))

    def count_tokens(self, text: str) -> int:
        return len(text) // _CHARACTERS_A_TOKEN + 1

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk]:
        pace = self.pace
        wait = pace.first
        for token in self.tokens:
            # Zero seconds still let others run, as a model's socket would.
            await asyncio.sleep(wait)
            yield TextDelta(text=token)
            wait = pace.between
        yield ChatFinished(
            reason=FinishReason.STOP, prompt_tokens=1, completion_tokens=len(self.tokens)
        )
