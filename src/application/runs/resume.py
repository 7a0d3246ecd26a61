"""ResumeRun: a person answers what a paused run waits for, and it goes on from there."""

from application.context import RequestContext
from application.ports.clock import Clock
from application.ports.fan_out import FanOut
from application.ports.jobs import Jobs
from application.ports.run_journal import RunJournal
from application.ports.run_store import RunStore
from application.unbroken import unbroken
from domain.identifiers import RunId, SpaceId
from domain.runs.pause import Answer, Decision, PauseExpired, PauseNotCurrent, PausePolicy
from domain.runs.run import Run
from domain.tenancy.access import Action


class ResumeRun:
    def __init__(
        self,
        *,
        runs: RunStore,
        journal: RunJournal,
        fan_out: FanOut,
        jobs: Jobs,
        policy: PausePolicy,
        clock: Clock,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._runs = runs
        self._journal = journal
        self._fan_out = fan_out
        self._jobs = jobs

    async def __call__(
        self,
        context: RequestContext,
        *,
        run_id: RunId,
        pause_id: str,
        decision: Decision,
        note: str = "",
    ) -> Run:
        """Return the run as it is now. The same decision again changes nothing and is no error.

        Raises:
            RunNotFound, ActionNotAllowed, InvalidInput.
            PauseNotCurrent: it does not wait for this, or was answered otherwise.
            PauseExpired: it has waited for too long.
        """
        space = context.space_for(Action.REVIEW)
        answer = Answer(pause_id=pause_id, decision=decision, note=note, user_id=context.user_id)
        return await unbroken(self._resume(space, run_id, answer))

    async def _resume(self, space: SpaceId, run_id: RunId, answer: Answer) -> Run:
        paused = await self._runs.get(space, run_id)
        if paused.pause and self._policy.is_over(paused.pause, self._clock.now()):
            raise PauseExpired
        event = await self._journal.answer(space, run_id, answer)
        run = await self._runs.get(space, run_id)
        if event is not None:
            await self._fan_out.publish(space, run_id, (event,))
            self._jobs.wake()
            return run
        earlier = await self._journal.answered(space, run_id, answer.pause_id)
        if earlier is None or earlier.decision is not answer.decision:
            raise PauseNotCurrent
        return run
