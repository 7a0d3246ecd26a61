"""Runs in memory that wait for a person."""

from datetime import datetime

from adapters.memory import turns
from adapters.memory.state import MemoryState
from domain.runs.run import CancelReason, RunState


class MemoryPauses:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def expire(self, before: datetime, limit: int) -> int:
        waiting = sorted(
            (run.pause.since, key)
            for key, run in self._state.runs.items()
            if run.state is RunState.PAUSED and run.pause is not None and run.pause.since < before
        )
        for _, key in waiting[:limit]:
            self._state.runs[key] = turns.to_stop(self._state.runs[key], CancelReason.EXPIRED)
        return len(waiting[:limit])
