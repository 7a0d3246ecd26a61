"""ParkRun: a run that ends its processes is taken up no more; one that only lost them goes on."""

import asyncio

from application.ports.run_store import RunStore
from application.runs.end import EndRun
from domain.runs.admission import RunLimits
from domain.runs.lease import LEASE_SECONDS
from domain.runs.run import FenceLost, Run, TerminationReason


class ParkRun:
    def __init__(
        self,
        *,
        runs: RunStore,
        end: EndRun,
        limits: RunLimits,
        patience_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._runs = runs
        self._end = end
        self._tries = limits.attempts
        self._patience_seconds = patience_seconds

    async def __call__(self, run: Run) -> Run | None:
        """The claimed run if it may be executed; None when it is parked.

        Whoever had it before is given time to say that it lives, and that the attempt was not
        spent. Raises FenceLost, RunNotFound.
        """
        if self._is_due(run):
            return run
        await asyncio.sleep(self._patience_seconds)
        current = await self._runs.get(run.space_id, run.run_id)
        if current.fence != run.fence:
            raise FenceLost
        if self._is_due(current):
            return current
        detail = f"it was taken up {self._tries} times and never came to an end; it is parked"
        await self._end(run, TerminationReason.ATTEMPTS, detail)
        return None

    def _is_due(self, run: Run) -> bool:
        return run.attempts <= self._tries or run.cancel_requested
