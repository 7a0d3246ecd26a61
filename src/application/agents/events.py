"""What a piece of work says, as a stream, straight from where it happens to who consumes it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import TypeAlias

from application.unbroken import unbroken
from domain.runs.event import EventKind
from domain.runs.journal import Mark


class Settled(asyncio.Event):
    """Said to learn when everything before it has been taken in by the consumer."""


Said: TypeAlias = EventKind | Mark | Settled
Emit: TypeAlias = Callable[[Said], None]


async def kept(emit: Emit, mark: Mark) -> None:
    """Say an urgent mark, and wait until it is kept."""
    settled = Settled()
    emit(mark)
    emit(settled)
    await settled.wait()


async def events_of(
    work: Callable[[Emit], Coroutine[None, None, EventKind]],
) -> AsyncGenerator[EventKind | Mark]:
    """Run `work(emit)`; yield what it emits, then what it returns; raise what it raises.

    What is emitted in one go is yielded in one go: the loop does nothing else between. Closing the
    generator cancels the work and waits for it.
    """
    emitted: asyncio.Queue[Said | None] = asyncio.Queue()
    # Owned here: the `finally` below never leaves it behind.
    task = asyncio.get_running_loop().create_task(work(emitted.put_nowait))
    task.add_done_callback(lambda _: emitted.put_nowait(None))
    try:
        while (said := await emitted.get()) is not None:
            if isinstance(said, Settled):
                said.set()
            else:
                yield said
        yield await task
    finally:
        task.cancel()
        await unbroken(_ended(task))


async def _ended(task: "asyncio.Task[EventKind]") -> None:
    await asyncio.wait({task})
