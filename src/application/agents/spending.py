"""What a run's models use up, watched while they are at work."""

import asyncio
from collections.abc import Callable

from domain.agents.budget import BudgetSpent
from domain.agents.chat import ChatRequest

# No more often than this: to count tokens can mean to ask another process.
_STEP_BYTES = 32


class Spending:
    """A token is a byte at least, so tokens are counted only when bytes could be too many."""

    def __init__(self, *, budget: int, used: int, count: Callable[[str], int]) -> None:
        """`count` may block; `used` are tokens that earlier calls have used."""
        self._budget = budget
        self._count = count
        self._used = used
        self._prompt = ""
        self._prompt_tokens: int | None = None
        self._written: list[str] = []
        self._at_most = used

    async def begin(self, request: ChatRequest) -> None:
        """A call of a model begins. Raises BudgetSpent when its prompt is too much already."""
        self._prompt = "\n".join(message.content for message in request.messages)
        self._prompt_tokens = None
        self._written.clear()
        self._at_most = self._used
        await self._more(self._prompt)

    async def write(self, text: str) -> None:
        """The next piece of its answer. Raises BudgetSpent."""
        self._written.append(text)
        await self._more(text)

    def end(self, tokens: int) -> None:
        """The call is over, and has used so many tokens."""
        self._used += tokens

    async def _more(self, text: str) -> None:
        self._at_most += len(text.encode())
        if self._at_most < self._budget:
            return
        if self._prompt_tokens is None:
            self._prompt_tokens = await asyncio.to_thread(self._count, self._prompt)
        used = self._used + self._prompt_tokens
        if self._written:
            used += await asyncio.to_thread(self._count, "".join(self._written))
        if used >= self._budget:
            raise BudgetSpent(self._budget)
        self._at_most = min(used, self._budget - _STEP_BYTES)
