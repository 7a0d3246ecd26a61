"""The one writer of a run's log: the first token at once, the rest in batches."""

import asyncio
from collections.abc import Callable, Sequence

from application.ports.clock import Clock
from application.ports.event_log import EventLog
from application.ports.fan_out import FanOut
from application.retrying import until_available
from application.unbroken import unbroken
from domain.runs.batching import batch_seconds
from domain.runs.event import EventKind, RunCompleted, RunEvent, RunPaused, TokenBatch
from domain.runs.journal import Mark, with_marks
from domain.runs.run import FenceLost, Run


class RunWriter:
    """Collects events and marks, commits them in batches, then announces the committed events.

    `put` never waits; `drain` runs beside it until `close` was called and everything is committed.
    """

    def __init__(
        self,
        run: Run,
        *,
        log: EventLog,
        fan_out: FanOut,
        clock: Clock,
        window: Callable[[], float] = batch_seconds,
    ) -> None:
        """`window` says how many seconds a batch may gather, each time anew."""
        self._run = run
        self._log = log
        self._fan_out = fan_out
        self._clock = clock
        self._window = window
        self._pending: list[EventKind] = []
        self._marks: tuple[Mark, ...] = ()
        self._arrived = asyncio.Event()
        self._urgent = asyncio.Event()
        self._last_sequence = run.last_sequence
        self._in_doubt: tuple[list[EventKind], tuple[Mark, ...]] | None = None
        self._flushed = asyncio.Event()
        self._token_seen = False
        self._ended = False
        self._closed = False

    def put(self, kind: EventKind | Mark) -> None:
        """Take the next event or mark; tokens that wait together become one batch.

        After a `RunCompleted` or `RunPaused` nothing is taken: a run ends once.
        """
        if self._ended:
            return
        if isinstance(kind, Mark):
            self._marks = with_marks(self._marks, [kind])
        else:
            self._put_event(kind)
        self._arrived.set()

    def _put_event(self, kind: EventKind) -> None:
        self._ended = isinstance(kind, RunCompleted | RunPaused)
        if isinstance(kind, RunCompleted):
            self._marks = ()
        last = self._pending[-1] if self._pending else None
        if isinstance(kind, TokenBatch) and isinstance(last, TokenBatch):
            self._pending[-1] = TokenBatch(text=last.text + kind.text)
        else:
            self._pending.append(kind)
        if self._ended or (isinstance(kind, TokenBatch) and self._first_token()):
            self._urgent.set()

    def close(self) -> None:
        """No more events will come."""
        self._closed = True
        self._arrived.set()
        self._urgent.set()

    async def drain(self) -> None:
        """Commit and announce until closed and empty, also over a log that is away for a moment.

        Raises:
            FenceLost: somebody else has taken the run over.
            Unavailable: the log has been away for too long.
        """
        flushed_at = self._clock.monotonic() - self._window()
        while not self._closed or self._pending or self._marks:
            await self._arrived.wait()
            await self._let_a_batch_gather(flushed_at)
            flushed_at = self._clock.monotonic()
            await until_available(self.flush)

    async def settled(self) -> None:
        """Wait until all that was put is committed; `drain` has to run beside this."""
        while self._pending or self._marks or self._in_doubt:
            self._flushed.clear()
            self._arrived.set()
            self._urgent.set()
            await self._flushed.wait()

    async def flush(self) -> None:
        """Commit what is pending, then announce it; a cancellation waits until both are done.

        Raises Unavailable when it is not known whether it was committed: the next flush finds out
        first, so that no event is lost or written twice.
        """
        if self._in_doubt is not None:
            await unbroken(self._find_out())
        self._arrived.clear()
        self._urgent.clear()
        kinds, self._pending = self._pending, []
        marks, self._marks = self._marks, ()
        if kinds or marks:
            # At once: `settled` may look before the commit has begun.
            self._in_doubt = kinds, marks
            await unbroken(self._commit(kinds, marks))
        self._flushed.set()

    async def _commit(self, kinds: list[EventKind], marks: tuple[Mark, ...]) -> None:
        events = await self._log.append(
            self._run.space_id, self._run.run_id, self._run.fence, kinds, marks
        )
        await self._kept(events)

    async def _find_out(self) -> None:
        kinds, marks = self._in_doubt or ([], ())
        events: Sequence[RunEvent] = ()
        if kinds:
            events = await self._log.read(
                self._run.space_id, self._run.run_id, self._last_sequence, len(kinds)
            )
        if events:
            # A successor's events, not these: then what was in doubt was never kept.
            if [event.kind for event in events] != kinds:
                raise FenceLost
            await self._kept(events)
        else:
            # Marks that were kept after all are kept again, which changes nothing.
            self._in_doubt, self._pending = None, [*kinds, *self._pending]
            self._marks = () if self._completes() else with_marks(marks, self._marks)

    def _completes(self) -> bool:
        return bool(self._pending) and isinstance(self._pending[-1], RunCompleted)

    async def _kept(self, events: Sequence[RunEvent]) -> None:
        self._in_doubt = None
        if not events:
            return
        self._last_sequence = events[-1].sequence
        await self._fan_out.publish(self._run.space_id, self._run.run_id, events)

    async def _let_a_batch_gather(self, flushed_at: float) -> None:
        left = self._window() - (self._clock.monotonic() - flushed_at)
        if left > 0 and not self._closed:
            # A bare timer: a timeout's own machinery would cost more than what it guards.
            timer = asyncio.get_running_loop().call_later(left, self._urgent.set)
            try:
                await self._urgent.wait()
            finally:
                timer.cancel()

    def _first_token(self) -> bool:
        first, self._token_seen = not self._token_seen, True
        return first
