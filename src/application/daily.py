"""Upkeep that a process does when it starts, and every day from then on."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

_log = logging.getLogger(__name__)
_DAY_SECONDS = 86_400.0
_AGAIN_SECONDS = 60.0


@asynccontextmanager
async def daily(
    work: Callable[[], Awaitable[None]],
    *,
    day: float = _DAY_SECONDS,
    again: float = _AGAIN_SECONDS,
    at_once: bool = True,
) -> AsyncGenerator[None]:
    """Do `work` once before the body, then every `day` seconds until the body is left.

    Without `at_once` the first time is in `again` seconds, beside the body. Work that fails keeps
    nothing from going on: it is logged, and tried again in `again` seconds.
    """
    done = at_once and await _tried(work)
    # Owned here: cancelled and awaited on the way out.
    task = asyncio.get_running_loop().create_task(_go_on(work, done, day, again))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _go_on(work: Callable[[], Awaitable[None]], done: bool, day: float, again: float) -> None:
    while True:
        await asyncio.sleep(day if done else again)
        done = await _tried(work)


async def _tried(work: Callable[[], Awaitable[None]]) -> bool:
    try:
        await work()
    except Exception as error:  # noqa: BLE001 - upkeep can wait, what it is for cannot
        _log.warning("upkeep failed and is tried again: %s", error)
        return False
    return True
