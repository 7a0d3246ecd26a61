"""EndRun: write the last event of a run that nobody executes."""

from contextlib import suppress

from application.ports.clock import Clock
from application.ports.event_log import EventLog
from application.ports.fan_out import FanOut
from application.ports.run_store import RunStore
from application.runs.writer import RunWriter
from domain.identifiers import RunId, SpaceId
from domain.runs.event import RunCompleted, stopped
from domain.runs.run import FenceLost, Run, TerminationReason


class EndRun:
    def __init__(self, *, runs: RunStore, log: EventLog, fan_out: FanOut, clock: Clock) -> None:
        self._runs = runs
        self._log = log
        self._fan_out = fan_out
        self._clock = clock

    async def __call__(self, run: Run, reason: TerminationReason, detail: str = "") -> None:
        """End a claimed run. Raises FenceLost when it has another writer, or has ended."""
        await self._with(run, RunCompleted(reason=reason, detail=detail))

    async def stopped(self, space: SpaceId, run_id: RunId) -> None:
        """End a run that is to stop, whoever has it; the fence stops them. Raises RunNotFound."""
        with suppress(FenceLost):
            run = await self._runs.claim(space, run_id)
            await self._with(run, stopped(run.cancel_reason))

    async def _with(self, run: Run, end: RunCompleted) -> None:
        writer = RunWriter(run, log=self._log, fan_out=self._fan_out, clock=self._clock)
        writer.put(end)
        await writer.flush()
