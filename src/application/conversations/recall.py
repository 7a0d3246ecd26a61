"""RecallConversation: what a run is told of the conversation that it goes on with."""

import asyncio

from application.conversations.prepared import PreparedConversations
from application.ports.chat_model import ChatModel
from application.ports.conversation_memory import ConversationMemory
from domain.agents.chat import ChatMessage, Role
from domain.agents.earlier import Earlier
from domain.conversations.turn import Recollection, Turn
from domain.conversations.window import READ_TURNS, in_window, window_policy
from domain.identifiers import ConversationId, RunId, SpaceId

# Models want question and answer by turns, also where there was no answer.
_UNANSWERED = "(This was not answered.)"


class RecallConversation:
    def __init__(
        self,
        *,
        memory: ConversationMemory,
        model: ChatModel,
        prepared: PreparedConversations,
    ) -> None:
        self._memory = memory
        self._model = model
        self._prepared = prepared

    async def __call__(
        self, space: SpaceId, conversation: ConversationId, *, before: RunId
    ) -> Earlier:
        """What was said before that run, in a bounded number of tokens.

        What was prepared is used if it is still current, and forgotten in any case.

        Raises ConversationNotFound.
        """
        prepared = self._prepared.take(space, conversation)
        if prepared is not None:
            head = await self._memory.head(space, conversation, before=before)
            if prepared.head == head:
                return prepared.earlier
        _, earlier = await self.read(space, conversation, before=before)
        return earlier

    async def read(
        self, space: SpaceId, conversation: ConversationId, *, before: RunId | None
    ) -> tuple[Recollection, Earlier]:
        """The same, read anew, with what it was made of. Raises ConversationNotFound."""
        found = await self._memory.recall(space, conversation, before=before, limit=READ_TURNS)
        # In a thread: a model in another process answers for each count of tokens.
        return found, await asyncio.to_thread(self._earlier, found)

    def _earlier(self, found: Recollection) -> Earlier:
        policy = window_policy(self._model.context_tokens)
        turns = in_window(found.turns, policy.recent_tokens, self._model.count_tokens)
        return Earlier(
            summary=found.summary.text if found.summary else "",
            mark=found.summary.mark if found.summary else "",
            history=tuple(message for turn in turns for message in _messages(turn)),
        )


def _messages(turn: Turn) -> tuple[ChatMessage, ChatMessage]:
    return (
        ChatMessage(role=Role.USER, content=turn.question),
        ChatMessage(role=Role.ASSISTANT, content=turn.answer or _UNANSWERED),
    )
