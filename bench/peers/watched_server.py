"""Obelisk as it is served, with runs that begin to speak together when they are told to.

Run as a program with a data folder and a rate; prints where it serves as JSON. Its model says
nothing before SIGUSR1, then one token every 1/rate seconds for as long as it was asked to.
"""

import asyncio
import json
import random
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import uvloop
from bench.hosting import served
from bench.paced_model import Pace, PacedChatModel

from domain.agents.chat import ChatChunk, ChatRequest

_DOCUMENTS = 4
# Everybody is let in: what is measured is what they cost.
_ROOM = {
    "runs_at_once": 500,
    "space_running_limit": 500,
    "space_queue_limit": 500,
    "watchers_at_once": 20_000,
    "watchers_per_space": 20_000,
}


class HeldModel(PacedChatModel):
    """Waits to be let go; then each answer begins somewhere within the time of its first token."""

    def __init__(self, tokens: int, pace: Pace) -> None:
        super().__init__(tokens, pace)
        self.free = asyncio.Event()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatChunk]:
        await self.free.wait()
        await asyncio.sleep(random.uniform(0, self.pace.between))
        async for chunk in super().stream(request):
            yield chunk


async def _serve(data_dir: str, rate: float, tokens: int) -> None:
    model = HeldModel(tokens, Pace(name="held", first=0.0, between=1 / rate))
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, model.free.set)
    async with served(Path(data_dir), model, _DOCUMENTS, changed=_ROOM) as place:
        said = {"grpc": place.grpc, "token": place.token, "space": place.space}
        print(json.dumps(said), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
