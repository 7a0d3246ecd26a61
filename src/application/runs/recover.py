"""What a process does about the work that an earlier one left behind, before it serves."""

from contextlib import suppress

from application.jobs import ExecuteRunJob
from application.ports.clock import Clock
from application.ports.event_log import EventLog
from application.ports.fan_out import FanOut
from application.ports.jobs import Jobs
from application.ports.recovery import Recovery
from application.ports.run_store import RunStore
from application.runs.writer import RunWriter
from domain.identifiers import RunId, SpaceId
from domain.runs.event import RunCompleted
from domain.runs.run import FenceLost, RunNotFound, RunState, TerminationReason


class Recover:
    """Queued runs and unfinished documents start again; a run that was at work ends as an error.

    Its checkpoint is needed to go on without repeating what was streamed; until there is one, the
    log says plainly that the server stopped.
    """

    def __init__(
        self,
        *,
        recovery: Recovery,
        runs: RunStore,
        log: EventLog,
        fan_out: FanOut,
        jobs: Jobs,
        clock: Clock,
    ) -> None:
        self._recovery = recovery
        self._runs = runs
        self._log = log
        self._fan_out = fan_out
        self._jobs = jobs
        self._clock = clock

    async def __call__(self) -> None:
        for document in await self._recovery.unfinished_documents():
            self._jobs.submit(document)
        for job in await self._recovery.unfinished_runs():
            # One that somebody else has ended meanwhile must not keep this process from starting.
            with suppress(FenceLost, RunNotFound):
                await self._resume(job)

    async def _resume(self, job: ExecuteRunJob) -> None:
        run = await self._runs.get(job.space_id, job.run_id)
        if run.state is RunState.QUEUED:
            self._jobs.submit(job)
        else:
            await self._end(job.space_id, job.run_id)

    async def _end(self, space: SpaceId, run_id: RunId) -> None:
        run = await self._runs.claim(space, run_id)
        writer = RunWriter(run, log=self._log, fan_out=self._fan_out, clock=self._clock)
        detail = "the server stopped while the run was at work; ask again"
        cancelled = run.cancel_requested
        reason = TerminationReason.CANCELLED if cancelled else TerminationReason.ERROR
        writer.put(RunCompleted(reason=reason, detail="" if cancelled else detail))
        await writer.flush()
