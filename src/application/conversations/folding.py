"""Folding in the background: after a run has been answered for, and never in anybody's way."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from domain.identifiers import ConversationId, SpaceId
from domain.runs.run import Run

_log = logging.getLogger(__name__)
_MOST_WAITING = 1_000
Key = tuple[SpaceId, ConversationId]


class Folding:
    """Conversations that wait for their summary, one at work at a time, each waiting once.

    What is lost here (a crash, too many waiting) is asked for again by the conversation's next run.
    """

    def __init__(self, fold: Callable[[SpaceId, ConversationId], Awaitable[int]]) -> None:
        self._fold = fold
        self._waiting: dict[Key, None] = {}
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def submit(self, space: SpaceId, conversation: ConversationId) -> None:
        """Ask for it. Never waits, never raises."""
        if len(self._waiting) >= _MOST_WAITING and (space, conversation) not in self._waiting:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[space, conversation] = None
        self._idle.clear()
        self._arrived.set()

    async def settled(self) -> None:
        """Wait until nothing waits or is at work."""
        await self._idle.wait()

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        """Fold for as long as the body runs; leaving it gives up what is at work."""
        # Owned here: cancelled and awaited on the way out.
        task = asyncio.get_running_loop().create_task(self._go_on())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _go_on(self) -> None:
        while True:
            await self._arrived.wait()
            while self._waiting:
                key = next(iter(self._waiting))
                del self._waiting[key]
                await self._one(*key)
            self._arrived.clear()
            self._idle.set()

    async def _one(self, space: SpaceId, conversation: ConversationId) -> None:
        try:
            await self._fold(space, conversation)
        except Exception as error:  # noqa: BLE001 - one conversation's must not end the others'
            _log.warning("conversation %s was not folded: %s", conversation, error)


class ThenFold:
    """Executes a run, and asks for its conversation to be folded once it is over."""

    def __init__(self, *, execute: Callable[[Run], Awaitable[None]], folding: Folding) -> None:
        self._execute = execute
        self._folding = folding

    async def __call__(self, run: Run) -> None:
        """As `execute` does. A run that was taken from this process asks for nothing."""
        await self._execute(run)
        if run.question.conversation_id is not None:
            self._folding.submit(run.space_id, run.question.conversation_id)
