"""Conversations and their messages in memory."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.memory.pages import newest_first
from adapters.memory.state import MemoryState
from domain.conversations.conversation import Conversation, ConversationNotFound, Message
from domain.identifiers import ConversationId, SpaceId
from domain.paging import Page, PageRequest, page_of


class MemoryConversationStore:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def add(self, conversation: Conversation) -> None:
        self._state.check(conversation.space_id)
        key = conversation.space_id, conversation.conversation_id
        self._state.conversations[key] = conversation
        self._state.messages[key] = []

    async def get(self, space: SpaceId, conversation: ConversationId) -> Conversation:
        try:
            return self._state.conversations[space, conversation]
        except KeyError:
            raise ConversationNotFound from None

    async def rename(
        self, space: SpaceId, conversation: ConversationId, title: str
    ) -> Conversation:
        renamed = replace(await self.get(space, conversation), title=title)
        self._state.conversations[space, conversation] = renamed
        return renamed

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Conversation]:
        mine = [c for (owner, _), c in self._state.conversations.items() if owner == space]
        return newest_first(mine, page, lambda conversation: conversation.conversation_id)

    async def messages(
        self, space: SpaceId, conversation: ConversationId, page: PageRequest
    ) -> Page[Message]:
        kept = self._messages(space, conversation)
        place = next((n for n, m in enumerate(kept, 1) if m.message_id == page.after), None)
        if place is None:
            # It was taken out since: then after the one before it.
            place = sum(page.after is not None and m.message_id < page.after for m in kept)
        return page_of(kept[place:], page.size, lambda message: message.message_id)

    async def delete(self, space: SpaceId, conversation: ConversationId) -> None:
        self._messages(space, conversation)
        del self._state.messages[space, conversation]
        self._state.summaries.pop((space, conversation), None)
        del self._state.conversations[space, conversation]
        for key, run in self._state.runs.items():
            if key[0] == space and run.question.conversation_id == conversation:
                detached = replace(run.question, conversation_id=None)
                self._state.runs[key] = replace(run, question=detached)

    def _messages(self, space: SpaceId, conversation: ConversationId) -> Sequence[Message]:
        try:
            return self._state.messages[space, conversation]
        except KeyError:
            raise ConversationNotFound from None
