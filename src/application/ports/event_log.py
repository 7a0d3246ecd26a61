from collections.abc import Sequence
from typing import Protocol

from domain.identifiers import RunId, SpaceId
from domain.runs.event import EventKind, RunEvent
from domain.runs.journal import Mark


class EventLog(Protocol):
    """The gapless history of each run. Sequences count from 1 in commit order."""

    async def append(
        self,
        space: SpaceId,
        run: RunId,
        fence: int,
        kinds: Sequence[EventKind],
        marks: Sequence[Mark] = (),
    ) -> tuple[RunEvent, ...]:
        """Commit `kinds` in order as the run's next events, and return them numbered.

        In the same commit the run's journal takes `marks`, each name once: see `RunJournal`.
        `RunCompleted` ends the run and empties its journal; a draft that was REJECTED, or that
        nobody answered before it EXPIRED, leaves its conversation. `RunPaused` takes the run from
        its writer. `Drafted` becomes the conversation's answer.

        Raises:
            FenceLost: `fence` is not the run's current one, or the run has ended; nothing is kept.
        """
        ...

    async def read(
        self, space: SpaceId, run: RunId, after: int, limit: int
    ) -> tuple[RunEvent, ...]:
        """Up to `limit` events with a sequence above `after`, in order; maybe none."""
        ...
