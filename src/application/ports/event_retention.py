from typing import Protocol

from domain.runs.retention import KeptWeeks


class EventRetention(Protocol):
    """Forgets the events of runs by whole weeks, at a price that does not grow with them."""

    async def keep(self, weeks: KeptWeeks) -> bool:
        """Make room for the coming weeks and forget those that are past; whether any was.

        Runs themselves stay, and so do the events of runs in the weeks between. Done twice, or in
        two processes at once, it is done once.

        Raises:
            Unavailable: writers are in the way, and nothing was done; trying again will work.
        """
        ...
