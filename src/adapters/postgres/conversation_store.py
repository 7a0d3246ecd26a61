"""Conversations and their messages in Postgres."""

import asyncpg

from adapters.postgres.pool import Connection, Pool
from adapters.postgres.statements import statements
from domain.agents.chat import Role
from domain.conversations.conversation import Conversation, ConversationNotFound, Message
from domain.identifiers import ConversationId, MessageId, RunId, SpaceId
from domain.paging import Page, PageRequest, page_of

_SQL = statements("conversations")


class PostgresConversationStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, conversation: Conversation) -> None:
        async with self._pool.in_space(conversation.space_id) as connection:
            await connection.execute(
                _SQL["add"],
                conversation.space_id,
                conversation.conversation_id,
                conversation.title,
                conversation.create_time,
            )

    async def get(self, space: SpaceId, conversation: ConversationId) -> Conversation:
        async with self._pool.in_space(space) as connection:
            return _found(await connection.fetchrow(_SQL["get"], space, conversation))

    async def rename(
        self, space: SpaceId, conversation: ConversationId, title: str
    ) -> Conversation:
        async with self._pool.in_space(space) as connection:
            return _found(await connection.fetchrow(_SQL["rename"], space, conversation, title))

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Conversation]:
        async with self._pool.in_space(space) as connection:
            rows = await connection.fetch(_SQL["list"], space, page.after, page.size + 1)
        found = [Conversation(**row) for row in rows]
        return page_of(found, page.size, lambda c: c.conversation_id)

    async def messages(
        self, space: SpaceId, conversation: ConversationId, page: PageRequest
    ) -> Page[Message]:
        async with self._pool.in_space(space) as connection:
            await _require(connection, space, conversation)
            rows = await connection.fetch(
                _SQL["messages"], space, conversation, page.after, page.size + 1
            )
        return page_of([message_of(row) for row in rows], page.size, lambda m: m.message_id)

    async def delete(self, space: SpaceId, conversation: ConversationId) -> None:
        async with self._pool.in_space(space) as connection:
            done = await connection.execute(_SQL["delete"], space, conversation)
        if done.endswith(" 0"):
            raise ConversationNotFound


async def _require(connection: Connection, space: SpaceId, conversation: ConversationId) -> None:
    if not await connection.fetchval(_SQL["exists"], space, conversation):
        raise ConversationNotFound


def _found(row: asyncpg.Record | None) -> Conversation:
    if row is None:
        raise ConversationNotFound
    return Conversation(**row)


def message_of(row: asyncpg.Record) -> Message:
    """A message out of its row."""
    return Message(
        message_id=MessageId(row["message_id"]),
        conversation_id=ConversationId(row["conversation_id"]),
        run_id=RunId(row["run_id"]),
        role=Role(row["role"]),
        content=row["content"],
        create_time=row["create_time"],
    )
