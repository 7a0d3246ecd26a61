from dataclasses import dataclass
from typing import Protocol

from domain.identifiers import RunId, SpaceId, WorkerId
from domain.paging import Page, PageRequest
from domain.runs.admission import USUAL_TERMS, Admission
from domain.runs.run import CancelReason, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """`created` is false for a run that the same request had started before.

    `claimed`: it is with the worker that asked for it, and has to be executed there now.
    `superseded`: runs whose place it takes; they are marked, and somebody has to end them.
    """

    run: Run
    created: bool
    claimed: bool = False
    superseded: tuple[RunId, ...] = ()


class RunStore(Protocol):
    """Runs of a space and who may write to them."""

    async def create(
        self,
        run: Run,
        request_id: str | None,
        *,
        admission: Admission = USUAL_TERMS,
        claim_for: WorkerId | None = None,
    ) -> Accepted:
        """Insert the run with event 1 and, in a conversation, its question as a message.

        With `claim_for` it is RUNNING and that worker's at once, if nothing waits before it and its
        space has fewer running than it may; else it is QUEUED. A run of a conversation waits for
        the earlier ones in it, or takes their place: `admission.double_text` says which. ROLLBACK
        takes their messages out in the same transaction, and they can write nothing from then on.

        Raises:
            RequestIdReused: `request_id` started a different question.
            ConversationNotFound: the question's conversation is not in this space.
            ConversationBusy: REJECT, and a run of the conversation has not ended.
            RunQueueFull: it would have to wait, and as many wait as may.
            SpaceNotFound: the space was erased meanwhile.
        """
        ...

    async def get(self, space: SpaceId, run: RunId) -> Run:
        """Raises RunNotFound, also for another space's run."""
        ...

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Run]:
        """Runs, newest first."""
        ...

    async def claim(self, space: SpaceId, run: RunId, worker: WorkerId | None = None) -> Run:
        """Become the run's only writer, whoever has it: its fence and its attempts go up by one.

        It is RUNNING then, and the worker's; without a worker it is taken for one left behind.
        Limits and turns do not count here.

        Raises:
            RunNotFound: no such run in this space.
            FenceLost: the run has ended.
        """
        ...

    async def request_cancel(
        self, space: SpaceId, run: RunId, reason: CancelReason = CancelReason.USER
    ) -> Run:
        """Mark that the run is to stop; the first reason stays, and an ended run as it is.

        One that is paused waits from then on for whoever ends it. Raises RunNotFound.
        """
        ...

    async def hand_back(self, run: Run) -> None:
        """Let the run wait again at once, without spending the attempt of `run`.

        Nothing happens when it has another fence by now, or is not running.
        """
        ...
