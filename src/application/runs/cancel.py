"""CancelRun: ask a run to stop; it ends in its log, with what it had streamed kept."""

from application.context import RequestContext
from application.ports.jobs import Jobs
from application.ports.run_store import RunStore
from domain.identifiers import RunId
from domain.runs.run import Run
from domain.tenancy.access import Action


class CancelRun:
    def __init__(self, *, runs: RunStore, jobs: Jobs) -> None:
        self._runs = runs
        self._jobs = jobs

    async def __call__(self, context: RequestContext, *, run_id: RunId) -> Run:
        """Return the run as it is now. Raises RunNotFound, ActionNotAllowed."""
        run = await self._runs.request_cancel(context.space_for(Action.ASK), run_id)
        self._jobs.cancel_run(run_id)
        return run
