from typing import Protocol

from application.jobs import Job
from domain.identifiers import RunId, SpaceId


class Jobs(Protocol):
    """Work that goes on after the request that asked for it has been answered."""

    def submit(self, job: Job) -> None:
        """Hand the job over; it starts when there is room. Never waits, never raises."""
        ...

    def cancel_run(self, run: RunId) -> bool:
        """Stop the run's job if it is at work here, and say whether it was."""
        ...

    async def stop(self, space: SpaceId) -> int:
        """Cancel all work of a space that is at work or waits here; how many jobs it was.

        Returns when the last of them has ended.
        """
        ...
