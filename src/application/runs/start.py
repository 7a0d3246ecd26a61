"""StartRun: accept a question, once, and begin at once where there is room."""

import logging
from uuid import UUID

from application.context import RequestContext
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.jobs import Jobs
from application.ports.run_store import Accepted, RunStore
from application.runs.cancel import CancelRun
from application.unbroken import unbroken
from domain.agents.definition import AgentCatalogue
from domain.errors import ObeliskError
from domain.identifiers import RunId, SpaceId
from domain.runs.admission import Admission, DoubleText, RunLimits
from domain.runs.run import Question, Run, RunState
from domain.tenancy.access import Action

_log = logging.getLogger(__name__)


class StartRun:
    def __init__(
        self,
        *,
        runs: RunStore,
        jobs: Jobs,
        cancel: CancelRun,
        agents: AgentCatalogue,
        limits: RunLimits,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._runs = runs
        self._jobs = jobs
        self._cancel = cancel
        self._agents = agents
        self._limits = limits
        self._clock = clock
        self._entropy = entropy

    async def __call__(
        self,
        context: RequestContext,
        *,
        question: Question,
        request_id: UUID | None,
        double_text: DoubleText = DoubleText.ENQUEUE,
        require_approval: bool = False,
    ) -> Run:
        """Return the accepted run, or the one that the same `request_id` started before.

        Raises:
            UnknownAgent, RequestIdReused, ConversationNotFound, ConversationBusy, RunQueueFull,
            ActionNotAllowed.
        """
        space = context.space_for(Action.ASK)
        self._agents.get(question.agent)
        run = Run(
            run_id=RunId(self._entropy.uuid()),
            space_id=space,
            user_id=context.user_id,
            question=question,
            state=RunState.QUEUED,
            termination_reason=None,
            last_sequence=1,
            fence=0,
            cancel_requested=False,
            create_time=self._clock.now(),
            end_time=None,
            require_approval=require_approval,
        )
        admission = Admission(limits=self._limits, double_text=double_text)
        # A caller that leaves now must not leave a run that nobody executes.
        return await unbroken(self._accept(run, str(request_id) if request_id else None, admission))

    async def _accept(self, run: Run, request_id: str | None, admission: Admission) -> Run:
        place = self._jobs.reserve()
        accepted = None
        try:
            accepted = await self._runs.create(
                run, request_id, admission=admission, claim_for=place
            )
        finally:
            if place is not None and not (accepted and accepted.claimed):
                self._jobs.release()
        if accepted.claimed:
            self._jobs.begin(accepted.run)
        elif accepted.created:
            self._jobs.wake()
        await self._replace(run.space_id, accepted)
        return accepted.run

    async def _replace(self, space: SpaceId, accepted: Accepted) -> None:
        if not accepted.superseded:
            return
        try:
            await self._cancel.superseded(space, accepted.superseded)
        except ObeliskError as error:
            # They are marked, and the next beat ends them; the new run is accepted all the same.
            _log.warning("runs that were superseded end later: %s", error.message)
        self._jobs.wake()
