from typing import Protocol

from domain.conversations.conversation import Conversation, Message
from domain.identifiers import ConversationId, SpaceId
from domain.paging import Page, PageRequest


class ConversationStore(Protocol):
    """Conversations of a space. Their messages are written with the runs that they belong to."""

    async def add(self, conversation: Conversation) -> None:
        """Keep a new, empty conversation."""
        ...

    async def get(self, space: SpaceId, conversation: ConversationId) -> Conversation:
        """Raises ConversationNotFound."""
        ...

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Conversation]:
        """Conversations, newest first."""
        ...

    async def rename(
        self, space: SpaceId, conversation: ConversationId, title: str
    ) -> Conversation:
        """The conversation under its new title. Raises ConversationNotFound."""
        ...

    async def messages(
        self, space: SpaceId, conversation: ConversationId, page: PageRequest
    ) -> Page[Message]:
        """Messages in the order of their commits, oldest first. Raises ConversationNotFound."""
        ...

    async def delete(self, space: SpaceId, conversation: ConversationId) -> None:
        """Remove it with its messages; runs stay, detached. Raises ConversationNotFound."""
        ...
