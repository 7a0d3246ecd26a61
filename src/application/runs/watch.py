"""WatchRun: a run's events from any point on, each exactly once and in order."""

from collections.abc import AsyncGenerator

from application.context import RequestContext
from application.ports.event_log import EventLog
from application.ports.fan_out import FanOut, Subscription
from application.ports.run_store import RunStore
from domain.errors import InvalidInput
from domain.identifiers import RunId
from domain.runs.event import RunEvent
from domain.runs.retention import require_kept
from domain.runs.run import CursorBeyondEnd, Run, RunState
from domain.tenancy.access import Action

POLL_SECONDS = 1.0
_PAGE = 500


class WatchRun:
    def __init__(self, *, runs: RunStore, log: EventLog, fan_out: FanOut) -> None:
        self._runs = runs
        self._log = log
        self._fan_out = fan_out

    async def __call__(
        self, context: RequestContext, *, run_id: RunId, after: int
    ) -> AsyncGenerator[RunEvent]:
        """Yield the events above `after`: those kept, then those to come, until the last.

        Raises:
            RunNotFound, CursorBeyondEnd, InvalidInput (a negative cursor), ActionNotAllowed.
            EventsExpired: the next event was kept once, and is not any more.
        """
        if after < 0:
            raise InvalidInput("after_sequence counts from 0", field="after_sequence")
        space = context.space_for(Action.READ)
        async with self._fan_out.subscribe(space, run_id) as subscription:
            run = await self._runs.get(space, run_id)
            if after > run.last_sequence:
                raise CursorBeyondEnd(run.last_sequence)
            if run.state is RunState.ENDED and after == run.last_sequence:
                return
            async for event in self._follow(run, after, subscription):
                yield event

    async def _follow(
        self, run: Run, cursor: int, subscription: Subscription
    ) -> AsyncGenerator[RunEvent]:
        # Subscribed before the first read: nothing can fall between the log and the announcements.
        batch = await self._read(run, cursor)
        while True:
            for event in batch:
                yield event
                cursor = event.sequence
                if event.is_last:
                    return
            if len(batch) < _PAGE:
                announced = await subscription.next(POLL_SECONDS)
                batch = tuple(event for event in announced if event.sequence > cursor)
            if not batch or not _continues(batch, cursor):
                batch = await self._read(run, cursor)

    async def _read(self, run: Run, cursor: int) -> tuple[RunEvent, ...]:
        batch = await self._log.read(run.space_id, run.run_id, cursor, _PAGE)
        first = batch[0].sequence if batch else None
        require_kept(first, cursor=cursor, last_sequence=run.last_sequence)
        return batch


def _continues(batch: tuple[RunEvent, ...], cursor: int) -> bool:
    """Whether `batch` goes on right after `cursor` without a gap or a repeat."""
    return all(event.sequence == cursor + n for n, event in enumerate(batch, start=1))
