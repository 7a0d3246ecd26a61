"""Work that may not be needed: begun early, waited for a while, and never stood in for."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")
_CLOSING_SECONDS = 2.0


class Speculative:
    """Owns tasks that may outlive who began them: one that is given up is not waited for."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def begin(self, work: Coroutine[None, None, T]) -> "asyncio.Task[T]":
        """Start it. What it raises is for who awaits the task, and lost when nobody does."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Give up what is at work, and wait a moment until it has gone."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=_CLOSING_SECONDS)

    def _ended(self, task: "asyncio.Task[T]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Looked at, so that the loop does not complain that nobody did.
            task.exception()
