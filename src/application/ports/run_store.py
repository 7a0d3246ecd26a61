from typing import Protocol

from domain.identifiers import RunId, SpaceId
from domain.paging import Page, PageRequest
from domain.runs.run import Run


class RunStore(Protocol):
    """Runs of a space and who may write to them."""

    async def create(self, run: Run, request_id: str | None) -> tuple[Run, bool]:
        """Insert the run with event 1 and, in a conversation, its question as a message.

        Returns the run and True; or, when `request_id` has started the same question before, that
        earlier run and False.

        Raises:
            RequestIdReused: `request_id` started a different question.
            ConversationNotFound: the question's conversation is not in this space.
        """
        ...

    async def get(self, space: SpaceId, run: RunId) -> Run:
        """Raises RunNotFound, also for another space's run."""
        ...

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Run]:
        """Runs, newest first."""
        ...

    async def claim(self, space: SpaceId, run: RunId) -> Run:
        """Become the run's only writer: its state turns RUNNING and its fence goes up by one.

        Raises:
            RunNotFound: no such run in this space.
            FenceLost: the run has ended.
        """
        ...

    async def request_cancel(self, space: SpaceId, run: RunId) -> Run:
        """Mark that the run is to stop; an ended run stays as it is. Raises RunNotFound."""
        ...
