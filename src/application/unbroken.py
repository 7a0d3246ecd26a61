"""Work that a cancellation may delay the news of, but may not tear."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


async def unbroken(work: Coroutine[None, None, T]) -> T:
    """Await `work` to its end; a cancellation that comes meanwhile is raised after it.

    Raises what `work` raises, which outranks the cancellation.
    """
    # Owned here: the loop below does not leave before it is done.
    task = asyncio.get_running_loop().create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    result = task.result()
    if cancelled is not None:
        raise cancelled
    return result
