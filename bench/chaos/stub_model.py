"""A chat model that takes its time, and never writes the same answer twice."""

import asyncio
from collections.abc import AsyncGenerator
from random import SystemRandom

from bench.paced_model import Pace, PacedChatModel

from domain.agents.chat import ChatChunk, ChatRequest, TextDelta

_TOKENS = 40
_PACE = Pace(name="chaos", first=0.1, between=0.02)


class RestlessChatModel(PacedChatModel):
    """Each answer begins at another word: one that mixes two drafts does not pass for either."""

    name = "restless"

    def __init__(self) -> None:
        super().__init__(_TOKENS, _PACE)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk]:
        opening = f"Take {SystemRandom().randrange(10**9)}: "
        await asyncio.sleep(_PACE.first)
        yield TextDelta(text=opening)
        async for chunk in super().stream(request):
            yield chunk
