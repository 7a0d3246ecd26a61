"""What runs are told of their conversations, in memory."""

from adapters.memory.state import MemoryState
from domain.conversations.conversation import ConversationNotFound, Message
from domain.conversations.summary import Summary
from domain.conversations.turn import Head, Recollection, Turn, turns_of
from domain.identifiers import ConversationId, RunId, SpaceId
from domain.runs.run import RunState


class MemoryConversationMemory:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def recall(
        self, space: SpaceId, conversation: ConversationId, *, before: RunId | None, limit: int
    ) -> Recollection:
        summary, turns = self._known(space, conversation)
        earlier = [turn for turn in turns if before is None or _came_before(turn, before)]
        return Recollection(summary=summary, turns=tuple(earlier[-limit:]))

    async def head(
        self, space: SpaceId, conversation: ConversationId, *, before: RunId | None
    ) -> Head:
        return (await self.recall(space, conversation, before=before, limit=1)).head

    async def unfolded(
        self, space: SpaceId, conversation: ConversationId, limit: int
    ) -> tuple[Summary | None, tuple[Turn, ...]]:
        summary, turns = self._known(space, conversation)
        return summary, turns[:limit]

    async def keep_summary(
        self, space: SpaceId, conversation: ConversationId, summary: Summary
    ) -> bool:
        current, _ = self._known(space, conversation)
        if summary.version != (current.version if current else 0) + 1:
            return False
        if current is not None and current.last_run_id >= summary.last_run_id:
            return False
        self._state.summaries[space, conversation] = summary
        return True

    def _known(
        self, space: SpaceId, conversation: ConversationId
    ) -> tuple[Summary | None, tuple[Turn, ...]]:
        if (space, conversation) not in self._state.conversations:
            raise ConversationNotFound
        summary = self._state.summaries.get((space, conversation))
        messages = sorted(
            self._state.messages[space, conversation], key=lambda m: (m.run_id, m.message_id)
        )
        turns = turns_of((message, self._ended(space, message)) for message in messages)
        return summary, tuple(t for t in turns if summary is None or t.run_id > summary.last_run_id)

    def _ended(self, space: SpaceId, message: Message) -> bool:
        run = self._state.runs.get((space, message.run_id))
        return run is None or run.state is RunState.ENDED


def _came_before(turn: Turn, run: RunId) -> bool:
    answered = turn.ended and bool(turn.answer)
    return turn.run_id < run or (turn.run_id != run and answered)
