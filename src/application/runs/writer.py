"""The one writer of a run's log: first token at once, the rest in batches of at most 25 ms."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from application.ports.clock import Clock
from application.ports.event_log import EventLog
from application.ports.fan_out import FanOut
from application.unbroken import unbroken
from domain.runs.event import EventKind, RunCompleted, RunEvent, TokenBatch
from domain.runs.run import Run

BATCH_SECONDS = 0.025


class RunWriter:
    """Collects events and commits them in batches, then announces what was committed.

    `put` never waits; `drain` runs beside it until `close` was called and everything is committed.
    """

    def __init__(self, run: Run, *, log: EventLog, fan_out: FanOut, clock: Clock) -> None:
        self._run = run
        self._log = log
        self._fan_out = fan_out
        self._clock = clock
        self._pending: list[EventKind] = []
        self._arrived = asyncio.Event()
        self._urgent = asyncio.Event()
        self._last_sequence = run.last_sequence
        self._in_doubt: list[EventKind] = []
        self._token_seen = False
        self._ended = False
        self._closed = False

    def put(self, kind: EventKind) -> None:
        """Take the next event; tokens that wait together become one batch.

        After a `RunCompleted` nothing is taken: a run ends once.
        """
        if self._ended:
            return
        self._ended = isinstance(kind, RunCompleted)
        last = self._pending[-1] if self._pending else None
        if isinstance(kind, TokenBatch) and isinstance(last, TokenBatch):
            self._pending[-1] = TokenBatch(text=last.text + kind.text)
        else:
            self._pending.append(kind)
        if isinstance(kind, RunCompleted) or (isinstance(kind, TokenBatch) and self._first_token()):
            self._urgent.set()
        self._arrived.set()

    def close(self) -> None:
        """No more events will come."""
        self._closed = True
        self._arrived.set()
        self._urgent.set()

    async def drain(self) -> None:
        """Commit and announce until closed and empty. Raises FenceLost when taken over."""
        flushed_at = self._clock.monotonic() - BATCH_SECONDS
        while not (self._closed and not self._pending):
            await self._arrived.wait()
            await self._let_a_batch_gather(flushed_at)
            flushed_at = self._clock.monotonic()
            await self.flush()

    async def flush(self) -> None:
        """Commit what is pending, then announce it; a cancellation waits until both are done.

        Raises Unavailable when it is not known whether it was committed: the next flush finds out
        first, so that no event is lost or written twice.
        """
        if self._in_doubt:
            await unbroken(self._find_out())
        self._arrived.clear()
        self._urgent.clear()
        kinds, self._pending = self._pending, []
        if kinds:
            await unbroken(self._commit(kinds))

    async def _commit(self, kinds: list[EventKind]) -> None:
        self._in_doubt = kinds
        events = await self._log.append(
            self._run.space_id, self._run.run_id, self._run.fence, kinds
        )
        await self._kept(events)

    async def _find_out(self) -> None:
        kinds = self._in_doubt
        events = await self._log.read(
            self._run.space_id, self._run.run_id, self._last_sequence, len(kinds)
        )
        if events:
            await self._kept(events)
        else:
            self._in_doubt, self._pending = [], [*kinds, *self._pending]

    async def _kept(self, events: Sequence[RunEvent]) -> None:
        self._in_doubt, self._last_sequence = [], events[-1].sequence
        await self._fan_out.publish(self._run.space_id, self._run.run_id, events)

    async def _let_a_batch_gather(self, flushed_at: float) -> None:
        left = BATCH_SECONDS - (self._clock.monotonic() - flushed_at)
        if left > 0 and not self._closed:
            # Not `wait_for`: before Python 3.12 it can swallow a cancellation.
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._urgent.wait()

    def _first_token(self) -> bool:
        first, self._token_seen = not self._token_seen, True
        return first
