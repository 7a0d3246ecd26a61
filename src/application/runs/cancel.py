"""CancelRun: ask a run to stop; it ends in its log, with what it had streamed kept."""

from contextlib import suppress

from application.context import RequestContext
from application.ports.clock import Clock
from application.ports.event_log import EventLog
from application.ports.fan_out import FanOut
from application.ports.jobs import Jobs
from application.ports.run_store import RunStore
from application.runs.writer import RunWriter
from application.unbroken import unbroken
from domain.identifiers import RunId, SpaceId
from domain.runs.event import RunCompleted
from domain.runs.run import FenceLost, Run, RunState, TerminationReason
from domain.tenancy.access import Action


class CancelRun:
    def __init__(
        self, *, runs: RunStore, log: EventLog, fan_out: FanOut, jobs: Jobs, clock: Clock
    ) -> None:
        self._runs = runs
        self._log = log
        self._fan_out = fan_out
        self._jobs = jobs
        self._clock = clock

    async def __call__(self, context: RequestContext, *, run_id: RunId) -> Run:
        """Return the run as it is now. Raises RunNotFound, ActionNotAllowed.

        A caller that leaves in the middle does not leave the run half stopped.
        """
        return await unbroken(self._cancel(context.space_for(Action.ASK), run_id))

    async def _cancel(self, space: SpaceId, run_id: RunId) -> Run:
        run = await self._runs.request_cancel(space, run_id)
        if run.state is RunState.ENDED or self._jobs.cancel_run(run_id):
            return run
        await self._end(space, run_id)
        return await self._runs.get(space, run_id)

    async def _end(self, space: SpaceId, run_id: RunId) -> None:
        """A run that nobody here works on ends here; the fence stops a worker elsewhere."""
        with suppress(FenceLost):
            run = await self._runs.claim(space, run_id)
            writer = RunWriter(run, log=self._log, fan_out=self._fan_out, clock=self._clock)
            writer.put(RunCompleted(reason=TerminationReason.CANCELLED))
            await writer.flush()
