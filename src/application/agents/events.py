"""Events of a piece of work as a stream, straight from where they happen to who consumes them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine

from application.unbroken import unbroken
from domain.runs.event import EventKind


async def events_of(
    work: Callable[[Callable[[EventKind], None]], Coroutine[None, None, EventKind]],
) -> AsyncGenerator[EventKind]:
    """Run `work(emit)`; yield what it emits, then what it returns; raise what it raises.

    Closing the generator cancels the work and waits for it.
    """
    emitted: asyncio.Queue[EventKind | None] = asyncio.Queue()
    # Owned here: the `finally` below never leaves it behind.
    task = asyncio.get_running_loop().create_task(work(emitted.put_nowait))
    task.add_done_callback(lambda _: emitted.put_nowait(None))
    try:
        while (kind := await emitted.get()) is not None:
            yield kind
        yield await task
    finally:
        task.cancel()
        await unbroken(_ended(task))


async def _ended(task: "asyncio.Task[EventKind]") -> None:
    await asyncio.wait({task})
