from typing import Protocol

from domain.identifiers import RunId, SpaceId, WorkerId
from domain.runs.run import Run


class Jobs(Protocol):
    """The work of this process that goes on after the request that asked for it was answered."""

    def reserve(self) -> WorkerId | None:
        """Keep a place for a run that is about to be accepted, and say for whom to claim it.

        None when this process has no place, or older runs wait for it. What was reserved is used
        by `begin` or given back by `release`, once.
        """
        ...

    def begin(self, run: Run) -> None:
        """Work on a run that was claimed for the reserved place. Never waits, never raises."""
        ...

    def release(self) -> None:
        """Give the reserved place back."""
        ...

    def wake(self) -> None:
        """There may be a run or a document that waits: look for it soon."""
        ...

    def cancel_run(self, run: RunId) -> bool:
        """Stop the work on a run if it is at work here, and say whether it was."""
        ...

    async def stop(self, space: SpaceId) -> int:
        """Cancel all work of a space that is at work here; how much it was.

        Returns when the last of it has ended.
        """
        ...
