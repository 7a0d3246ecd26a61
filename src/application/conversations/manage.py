"""Everything about conversations but asking in them."""

from application.context import RequestContext
from application.ports.clock import Clock
from application.ports.conversation_store import ConversationStore
from application.ports.entropy import Entropy
from domain.conversations.conversation import Conversation, Message, checked_title
from domain.identifiers import ConversationId
from domain.paging import Page, PageRequest
from domain.tenancy.access import Action


class ManageConversations:
    def __init__(self, *, conversations: ConversationStore, clock: Clock, entropy: Entropy) -> None:
        self._conversations = conversations
        self._clock = clock
        self._entropy = entropy

    async def create(self, context: RequestContext, *, title: str) -> Conversation:
        """Raises InvalidInput for a title that is too long."""
        conversation = Conversation(
            conversation_id=ConversationId(self._entropy.uuid()),
            space_id=context.space_for(Action.ASK),
            title=checked_title(title),
            create_time=self._clock.now(),
        )
        await self._conversations.add(conversation)
        return conversation

    async def list(self, context: RequestContext, *, page: PageRequest) -> Page[Conversation]:
        """Conversations, newest first."""
        return await self._conversations.list(context.space_for(Action.READ), page)

    async def get(
        self, context: RequestContext, *, conversation_id: ConversationId
    ) -> Conversation:
        """Raises ConversationNotFound."""
        return await self._conversations.get(context.space_for(Action.READ), conversation_id)

    async def rename(
        self, context: RequestContext, *, conversation_id: ConversationId, title: str
    ) -> Conversation:
        """Raises ConversationNotFound, and InvalidInput for a title that is too long."""
        space = context.space_for(Action.ASK)
        return await self._conversations.rename(space, conversation_id, checked_title(title))

    async def messages(
        self, context: RequestContext, *, conversation_id: ConversationId, page: PageRequest
    ) -> Page[Message]:
        """Messages, oldest first. Raises ConversationNotFound."""
        space = context.space_for(Action.READ)
        return await self._conversations.messages(space, conversation_id, page)

    async def delete(self, context: RequestContext, *, conversation_id: ConversationId) -> None:
        """Raises ConversationNotFound."""
        await self._conversations.delete(context.space_for(Action.ASK), conversation_id)
