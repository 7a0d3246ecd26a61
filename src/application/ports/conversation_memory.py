from typing import Protocol

from domain.conversations.summary import Summary
from domain.conversations.turn import Head, Recollection, Turn
from domain.identifiers import ConversationId, RunId, SpaceId


class ConversationMemory(Protocol):
    """What a run is told of the conversation it stands in; never of another one's."""

    async def recall(
        self, space: SpaceId, conversation: ConversationId, *, before: RunId | None, limit: int
    ) -> Recollection:
        """The summary, and the last `limit` turns after it of runs accepted before that one.

        Runs and messages stand in the order of their commits, whatever the clocks of their servers
        said. Without `before`: of all runs. A draft is no answer before its run has ended.

        Raises ConversationNotFound.
        """
        ...

    async def head(
        self, space: SpaceId, conversation: ConversationId, *, before: RunId | None
    ) -> Head:
        """The head of what `recall` would return, for less. Raises ConversationNotFound."""
        ...

    async def unfolded(
        self, space: SpaceId, conversation: ConversationId, limit: int
    ) -> tuple[Summary | None, tuple[Turn, ...]]:
        """The summary, and the first `limit` turns after it, oldest first.

        Raises ConversationNotFound.
        """
        ...

    async def keep_summary(
        self, space: SpaceId, conversation: ConversationId, summary: Summary
    ) -> bool:
        """Put it in the place of the version before it; False when that is not the one kept.

        Raises ConversationNotFound.
        """
        ...
