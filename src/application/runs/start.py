"""StartRun: accept a question, once, and hand it to whoever executes."""

from uuid import UUID

from application.context import RequestContext
from application.jobs import ExecuteRunJob
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.jobs import Jobs
from application.ports.run_store import RunStore
from application.unbroken import unbroken
from domain.agents.definition import AgentCatalogue
from domain.identifiers import RunId
from domain.runs.run import Question, Run, RunState
from domain.tenancy.access import Action


class StartRun:
    def __init__(
        self,
        *,
        runs: RunStore,
        jobs: Jobs,
        agents: AgentCatalogue,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._runs = runs
        self._jobs = jobs
        self._agents = agents
        self._clock = clock
        self._entropy = entropy

    async def __call__(
        self, context: RequestContext, *, question: Question, request_id: UUID | None
    ) -> Run:
        """Return the accepted run, or the one that the same `request_id` started before.

        Raises:
            UnknownAgent, RequestIdReused, ConversationNotFound, ActionNotAllowed.
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
        )
        # A caller that leaves now must not leave a run that nobody executes.
        return await unbroken(self._accept(run, str(request_id) if request_id else None))

    async def _accept(self, run: Run, request_id: str | None) -> Run:
        accepted, created = await self._runs.create(run, request_id)
        if created:
            self._jobs.submit(ExecuteRunJob(space_id=run.space_id, run_id=run.run_id))
        return accepted
