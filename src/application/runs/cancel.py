"""CancelRun: ask a run to stop; it ends in its log, with what it had streamed kept."""

import asyncio
from collections.abc import Sequence

from application.context import RequestContext
from application.ports.jobs import Jobs
from application.ports.run_store import RunStore
from application.runs.end import EndRun
from application.unbroken import unbroken
from domain.identifiers import RunId, SpaceId
from domain.runs.run import Run, RunState
from domain.tenancy.access import Action

# Another process hears of it with its next beat, and has until then to end the run itself.
_PATIENCE_SECONDS = 0.9
_LOOK_SECONDS = 0.1


class CancelRun:
    def __init__(self, *, runs: RunStore, end: EndRun, jobs: Jobs) -> None:
        self._runs = runs
        self._end = end
        self._jobs = jobs

    async def __call__(self, context: RequestContext, *, run_id: RunId) -> Run:
        """Return the run as it is now. Raises RunNotFound, ActionNotAllowed.

        It ends within a second. A caller that leaves in the middle does not leave the run half
        stopped.
        """
        return await unbroken(self._cancel(context.space_for(Action.ASK), run_id))

    async def superseded(self, space: SpaceId, runs: Sequence[RunId]) -> None:
        """See to it that runs end which are marked to stop because another takes their place."""
        for run_id in runs:
            self._jobs.cancel_run(run_id)
            run = await self._runs.get(space, run_id)
            if run.state is RunState.QUEUED:
                await self._end.stopped(space, run_id)

    async def _cancel(self, space: SpaceId, run_id: RunId) -> Run:
        run = await self._runs.request_cancel(space, run_id)
        if run.state is RunState.ENDED or self._jobs.cancel_run(run_id):
            return run
        if run.state is RunState.RUNNING:
            run = await self._elsewhere(run)
        if run.state is not RunState.ENDED:
            await self._end.stopped(space, run_id)
            return await self._runs.get(space, run_id)
        return run

    async def _elsewhere(self, run: Run) -> Run:
        """The run when its own process has ended it, or as it is after that process's time."""
        for _ in range(round(_PATIENCE_SECONDS / _LOOK_SECONDS)):
            await asyncio.sleep(_LOOK_SECONDS)
            run = await self._runs.get(run.space_id, run.run_id)
            if run.state is not RunState.RUNNING:
                break
        return run
