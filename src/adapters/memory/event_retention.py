"""Forgetting by weeks, in memory."""

from adapters.memory.state import MemoryState
from domain.runs.retention import KeptWeeks, week_of


class MemoryEventRetention:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def keep(self, weeks: KeptWeeks) -> bool:
        past = [
            events
            for (_, run), events in self._state.events.items()
            if events and (week := week_of(run)) is not None and week < weeks.oldest
        ]
        for events in past:
            events.clear()
        return bool(past)
