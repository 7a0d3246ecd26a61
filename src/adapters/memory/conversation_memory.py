"""What runs are told of their conversations, in memory."""

from adapters.memory.state import MemoryState
from domain.agents.chat import Role
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
        place = self._place(space, before) if before is not None else len(self._state.turns)
        earlier = [turn for turn in turns if self._place(space, turn.run_id) < place]
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
        if current is not None and self._place(space, current.last_run_id) >= self._place(
            space, summary.last_run_id
        ):
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
            self._state.messages[space, conversation], key=lambda m: self._place(space, m.run_id)
        )
        known = [(message, self._ended(space, message)) for message in messages]
        # What a run has drafted is no answer before it has ended.
        turns = turns_of((m, ended) for m, ended in known if ended or m.role is Role.USER)
        covered = self._place(space, summary.last_run_id) if summary else -1
        return summary, tuple(t for t in turns if self._place(space, t.run_id) > covered)

    def _place(self, space: SpaceId, run: RunId) -> int:
        """Which run of all it is; one that nobody knows comes last."""
        return self._state.turns.get((space, run), len(self._state.turns))

    def _ended(self, space: SpaceId, message: Message) -> bool:
        run = self._state.runs.get((space, message.run_id))
        return run is None or run.state is RunState.ENDED
