"""FoldConversation: what no longer fits a conversation's window goes into its summary."""

import asyncio
from collections.abc import Sequence

from application.conversations.summarise import Summarise
from application.ports.chat_model import ChatModel
from application.ports.conversation_memory import ConversationMemory
from application.ports.entropy import Entropy
from domain.conversations.conversation import ConversationNotFound
from domain.conversations.summary import Summary
from domain.conversations.turn import Turn
from domain.conversations.window import READ_TURNS, to_fold, window_policy
from domain.identifiers import ConversationId, SpaceId

# A long conversation that was never folded is caught up with over several runs.
_MOST_AT_ONCE = 8


class FoldConversation:
    """Idempotent, and for any number of processes: of two that fold at once, one is kept."""

    def __init__(
        self,
        *,
        memory: ConversationMemory,
        summarise: Summarise,
        model: ChatModel,
        entropy: Entropy,
    ) -> None:
        self._memory = memory
        self._summarise = summarise
        self._model = model
        self._entropy = entropy

    async def __call__(self, space: SpaceId, conversation: ConversationId) -> int:
        """Fold until the window is not full; how many turns it was. One that is gone has none."""
        folded = 0
        try:
            for _ in range(_MOST_AT_ONCE):
                count = await self._once(space, conversation)
                folded += count
                if not count:
                    break
        except ConversationNotFound:
            pass
        return folded

    async def _once(self, space: SpaceId, conversation: ConversationId) -> int:
        summary, turns = await self._memory.unfolded(space, conversation, READ_TURNS)
        # In a thread: a model in another process answers for each count of tokens.
        folding = await asyncio.to_thread(self._to_fold, turns)
        if not folding:
            return 0
        text, author = await self._summarise(summary.text if summary else "", folding)
        following = Summary(
            text=text,
            mark=self._entropy.nonce(),
            author=author,
            version=summary.version + 1 if summary else 1,
            last_run_id=folding[-1].run_id,
            last_message_id=folding[-1].last_message_id,
        )
        kept = await self._memory.keep_summary(space, conversation, following)
        return len(folding) if kept else 0

    def _to_fold(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        policy = window_policy(self._model.context_tokens)
        return to_fold(turns, policy, self._model.count_tokens)
