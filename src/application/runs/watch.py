"""WatchRun: a run's events from any point on, each exactly once and in order."""

from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from datetime import datetime

from application.context import RequestContext
from application.ports.clock import Clock
from application.ports.event_log import EventLog
from application.ports.fan_out import FanOut
from application.ports.run_store import RunStore
from application.runs.follow import POLL_SECONDS, Followers
from application.runs.tail import Tail
from application.runs.watchers import WatcherLimits, Watchers
from domain.errors import InvalidInput
from domain.identifiers import RunId
from domain.runs.event import RunEvent
from domain.runs.retention import require_kept
from domain.runs.run import CursorBeyondEnd, Run, RunState
from domain.tenancy.access import Action

HEARTBEAT_SECONDS = 15.0
# What one slow watcher holds at most, while it takes what it was given.
_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Nothing has happened for a while, and the watch goes on. It is not kept."""

    time: datetime


class WatchRun:
    """One for each process: those who watch the same run share what it costs."""

    def __init__(
        self,
        *,
        runs: RunStore,
        log: EventLog,
        fan_out: FanOut,
        clock: Clock,
        limits: WatcherLimits | None = None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._runs = runs
        self._log = log
        self._clock = clock
        self._followers = Followers(
            runs=runs,
            log=log,
            fan_out=fan_out,
            heartbeat_seconds=heartbeat_seconds,
            poll_seconds=poll_seconds,
        )
        self.watchers = Watchers(limits or WatcherLimits())

    async def __call__(
        self, context: RequestContext, *, run_id: RunId, after: int
    ) -> AsyncGenerator[RunEvent | Heartbeat]:
        """Yield the events above `after`: those kept, then those to come, until the last.

        A heartbeat comes whenever nothing else did for `heartbeat_seconds`.

        Raises:
            RunNotFound, CursorBeyondEnd, InvalidInput (a negative cursor), ActionNotAllowed.
            EventsExpired: the next event was kept once, and is not any more.
            TooManyWatchers: there is no place left.
        """
        if after < 0:
            raise InvalidInput("after_sequence counts from 0", field="after_sequence")
        with self.place(context):
            run = await self._runs.get(context.space_for(Action.READ), run_id)
            async with aclosing(self.of(run, after)) as events:
                async for told in events:
                    yield told

    def place(self, context: RequestContext) -> AbstractContextManager[None]:
        """A watcher's place in the caller's space. Raises TooManyWatchers when entered."""
        return self.watchers.place(context.space_for(Action.READ))

    async def of(self, run: Run, after: int = 0) -> AsyncGenerator[RunEvent | Heartbeat]:
        """As a call, for a run that the caller has just been given, and with a place taken."""
        if after > run.last_sequence:
            raise CursorBeyondEnd(run.last_sequence)
        following = self._replay if run.state is RunState.ENDED else self._follow
        async with aclosing(following(run, after)) as events:
            async for told in events:
                yield told

    async def _replay(self, run: Run, cursor: int) -> AsyncGenerator[RunEvent | Heartbeat]:
        while cursor < run.last_sequence:
            for event in await self._read(run, cursor, run.last_sequence):
                yield event
                cursor = event.sequence

    async def _follow(self, run: Run, cursor: int) -> AsyncGenerator[RunEvent | Heartbeat]:
        async with self._followers.joined(run, cursor) as tail:
            while True:
                batch = await self._next(run, cursor, tail)
                if not batch:
                    yield Heartbeat(time=self._clock.now())
                for event in batch:
                    yield event
                    cursor = event.sequence
                    if event.is_last:
                        return

    async def _next(self, run: Run, cursor: int, tail: Tail) -> tuple[RunEvent, ...]:
        """What comes after `cursor`; nothing when it is time for a heartbeat."""
        batch = tail.after(cursor)
        if batch == ():
            if not await tail.passes(cursor, run.last_sequence):
                return ()
            batch = tail.after(cursor)
        # Too far behind for the tail, or ahead of it because it has heard nothing yet.
        return batch or await self._read(run, cursor, max(run.last_sequence, tail.position))

    async def _read(self, run: Run, cursor: int, last_sequence: int) -> tuple[RunEvent, ...]:
        batch = await self._log.read(run.space_id, run.run_id, cursor, _PAGE)
        first = batch[0].sequence if batch else None
        require_kept(first, cursor=cursor, last_sequence=last_sequence)
        return batch
