"""Work that must be recorded although a dependency is away for a moment."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from domain.errors import Unavailable

T = TypeVar("T")
_log = logging.getLogger(__name__)
_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 5.0
_WAITS = 10


async def until_available(work: Callable[[], Awaitable[T]]) -> T:
    """Try `work` again while it raises Unavailable, for about half a minute; then raise it.

    A cancellation ends the waiting, never a try's own `unbroken` part: one that came meanwhile, and
    that the try's failure outranked, is raised after it.
    """
    wait, before = _FIRST_WAIT_SECONDS, _cancellations()
    for _ in range(_WAITS):
        try:
            return await work()
        except Unavailable as error:
            if _cancellations() > before:
                raise asyncio.CancelledError from error
            _log.warning("%s; trying again in %.1f s", error.message, wait)
        await asyncio.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
    return await work()


def _cancellations() -> int:
    """How often this task was asked to end."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0
