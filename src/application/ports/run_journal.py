from typing import Protocol

from domain.identifiers import RunId, SpaceId
from domain.runs.event import RunEvent
from domain.runs.journal import Mark
from domain.runs.pause import Answer


class RunJournal(Protocol):
    """What each run remembers until it ends, and what it was answered while it was paused.

    A run's one writer keeps marks through `EventLog.append`, in one commit with its events: so they
    are fenced as these are, and never ahead of them. Of marks of one name the last one is kept; a
    CHECKPOINT takes the WRITEs and TOOLs of its scope from before it away. An end takes all.
    """

    async def read(self, space: SpaceId, run: RunId) -> tuple[Mark, ...]:
        """What is kept, in no order; nothing for a run that has ended or is not in this space."""
        ...

    async def answer(self, space: SpaceId, run: RunId, answer: Answer) -> RunEvent | None:
        """Let a paused run go on: it is QUEUED with the answer in its log and in its journal.

        In one commit, which returns the new event. None, and nothing done, unless the run is PAUSED
        with this very pause and nobody has asked it to stop.
        """
        ...

    async def answered(self, space: SpaceId, run: RunId, pause_id: str) -> Answer | None:
        """The answer that this pause of the run was given before, as its log has it."""
        ...
