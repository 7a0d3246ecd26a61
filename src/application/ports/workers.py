from collections.abc import Sequence
from typing import Protocol

from application.jobs import IngestDocumentJob
from domain.identifiers import DocumentId, WorkerId
from domain.runs.lease import HeldRun, WorkerKind
from domain.runs.run import Run


class Workers(Protocol):
    """The processes that share one database, and what each of them has taken up.

    A process lives as long as it beats: LEASE_SECONDS after its last beat it counts as gone.
    """

    async def beat(
        self, worker: WorkerId, kind: WorkerKind, *, was_cut_off: bool = False
    ) -> tuple[HeldRun, ...]:
        """Say that this process lives; answer the running runs that it has, of all spaces.

        `was_cut_off`: it lived before too, and its beats did not arrive. Runs that were reaped from
        it meanwhile stay lost to it, and get back the attempt that they had spent with it.
        """
        ...

    async def reap(self) -> int:
        """Let runs wait again whose process is gone; how many those were.

        Their attempt is spent, and their writers have lost them.
        """
        ...

    async def claim_runs(
        self, worker: WorkerId, room: int, *, running_limit: int
    ) -> tuple[Run, ...]:
        """Take up waiting runs: at most `room`, and never so many that more than `running_limit` of
        one space are running over all processes.

        A space with few running comes before one with many; in a space, and in a conversation, the
        oldest come first. A conversation has one running or paused run at a time.
        """
        ...

    async def claim_documents(
        self,
        worker: WorkerId,
        room: int,
        *,
        at_work: Sequence[DocumentId],
        broken: Sequence[DocumentId] = (),
        kept: int = 0,
    ) -> tuple[tuple[IngestDocumentJob, int], ...]:
        """Take up at most `room` unfinished documents that nobody is at work on: no other living
        process, nor this one, whose documents are `at_work`.

        Each has spent one more attempt, but for what this process itself had before: that spends
        one only if it is among the `broken`. Each comes with a fence of its own, which whoever had
        it before does not have, and with how many attempts are spent. The spaces take turns, and
        `kept` of the room is for those of which nothing is being read.
        """
        ...

    async def release(self, held: HeldRun, *, spent: bool) -> None:
        """Let a run wait again that nobody works on; `spent` says whether its attempt counts.

        Nothing happens when it has another fence by now, or is not running.
        """
        ...

    async def leave(self, worker: WorkerId) -> None:
        """Go in good order: what the process has waits again, and no attempt is spent."""
        ...
