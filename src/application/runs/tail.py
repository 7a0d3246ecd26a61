"""The end of a run's log, kept once in a process for all who watch the run there."""

import asyncio
from collections import deque
from collections.abc import Iterable

from domain.errors import ObeliskError
from domain.runs.event import RunEvent

KEPT_EVENTS = 128


class Tail:
    """The last events of one run, in memory; who lags further behind than these reads the log.

    Its memory is bounded, whoever waits: a watcher keeps a cursor and nothing else.
    """

    def __init__(self, position: int, *, heartbeat_seconds: float) -> None:
        """`position` is a sequence that the log has reached, or 0."""
        self._position = position
        self._heartbeat_seconds = heartbeat_seconds
        self._events: deque[RunEvent] = deque(maxlen=KEPT_EVENTS)
        self._grown = asyncio.Event()
        self._broken: ObeliskError | None = None
        self._started = False
        # One timer for all who wait: one for each wait would cost more than what it waits for.
        self._loop = asyncio.get_running_loop()
        self._woken_at, self._beats = self._loop.time(), 0
        self._timer = self._loop.call_later(heartbeat_seconds, self._beat)

    @property
    def position(self) -> int:
        """The highest sequence that is known to be committed."""
        return self._position

    @property
    def started(self) -> bool:
        """Whether something of the log has been read into it."""
        return self._started

    @property
    def has_ended(self) -> bool:
        """Whether the run's last event is here."""
        return bool(self._events) and self._events[-1].is_last

    def after(self, cursor: int) -> tuple[RunEvent, ...] | None:
        """The events above `cursor`, as far as they have come; None when only the log has them."""
        behind, held = self._position - cursor, len(self._events)
        if behind > held:
            return None
        return tuple([self._events[place] for place in range(held - max(behind, 0), held)])

    async def passes(self, cursor: int, reached: int) -> bool:
        """Wait until there is more than `cursor`, here or in the log alone.

        False when nothing came for as long as a heartbeat takes. `reached` is a sequence that the
        log has reached. Raises what broke the tail.
        """
        beats = self._beats
        while not self._is_past(cursor, reached):
            if self._broken is not None:
                raise self._broken
            if self._beats != beats:
                return False
            await self._grown.wait()
        return True

    def _is_past(self, cursor: int, reached: int) -> bool:
        # Before the first reading the log is about to be read here: no watcher needs to.
        return self._position > cursor or (self._started and reached > cursor)

    def take(self, announced: Iterable[RunEvent]) -> bool:
        """Take what goes on from here, and tell whether nothing in between is missing."""
        whole, before = True, self._position
        for event in announced:
            if event.sequence == self._position + 1:
                self._append(event)
            elif event.sequence > self._position:
                whole = False
        if self._position != before:
            self._wake()
        return whole

    def read(self, logged: Iterable[RunEvent]) -> None:
        """Take what the log has after the position; what it has no more is passed over."""
        for event in logged:
            if event.sequence > self._position + 1:
                self._events.clear()
            if event.sequence > self._position:
                self._append(event)
        self._started = True
        self._wake()

    def break_with(self, error: ObeliskError) -> None:
        """Nothing more will come: everybody who waits is told why."""
        self._broken = error
        self._wake()

    def close(self) -> None:
        """Nobody waits any more."""
        self._timer.cancel()

    def _beat(self) -> None:
        left = self._woken_at + self._heartbeat_seconds - self._loop.time()
        if left <= 0:
            self._beats += 1
            self._wake()
        delay = left if left > 0 else self._heartbeat_seconds
        self._timer = self._loop.call_later(delay, self._beat)

    def _append(self, event: RunEvent) -> None:
        self._events.append(event)
        self._position = event.sequence

    def _wake(self) -> None:
        self._woken_at = self._loop.time()
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()
