"""What runs are told of their conversations, in Postgres."""

from collections.abc import Iterable

import asyncpg

from adapters.postgres.conversation_store import message_of
from adapters.postgres.pool import Connection, Pool
from adapters.postgres.statements import statements
from domain.conversations.conversation import ConversationNotFound
from domain.conversations.summary import Summary
from domain.conversations.turn import Head, Recollection, Turn, turns_of
from domain.identifiers import ConversationId, MessageId, RunId, SpaceId

_SQL = statements("memory")
_MESSAGES_A_TURN = 2


class PostgresConversationMemory:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def recall(
        self, space: SpaceId, conversation: ConversationId, *, before: RunId | None, limit: int
    ) -> Recollection:
        async with self._pool.in_space(space) as connection:
            summary, after = await _standing(connection, space, conversation)
            most = limit * _MESSAGES_A_TURN
            rows = await connection.fetch(_SQL["recall"], space, conversation, after, before, most)
        return Recollection(summary=summary, turns=_turns(reversed(rows)))

    async def head(
        self, space: SpaceId, conversation: ConversationId, *, before: RunId | None
    ) -> Head:
        async with self._pool.in_space(space) as connection:
            summary, after = await _standing(connection, space, conversation)
            last = await connection.fetchval(_SQL["last"], space, conversation, after, before)
        covered = summary.last_message_id if summary else None
        return Head(
            last_message_id=MessageId(last) if last else covered,
            summary_version=summary.version if summary else 0,
        )

    async def unfolded(
        self, space: SpaceId, conversation: ConversationId, limit: int
    ) -> tuple[Summary | None, tuple[Turn, ...]]:
        async with self._pool.in_space(space) as connection:
            summary, after = await _standing(connection, space, conversation)
            most = limit * _MESSAGES_A_TURN
            rows = await connection.fetch(_SQL["unfolded"], space, conversation, after, most)
        return summary, _turns(rows)

    async def keep_summary(
        self, space: SpaceId, conversation: ConversationId, summary: Summary
    ) -> bool:
        statement = _SQL["first_summary"] if summary.version == 1 else _SQL["next_summary"]
        try:
            async with self._pool.in_space(space) as connection:
                kept = await connection.fetchval(
                    statement,
                    space,
                    conversation,
                    summary.version,
                    summary.text,
                    summary.mark,
                    summary.author,
                    summary.last_run_id,
                    summary.last_message_id,
                )
                if kept is None:
                    await _standing(connection, space, conversation)
        except asyncpg.ForeignKeyViolationError:
            raise ConversationNotFound from None
        return kept is not None


async def _standing(
    connection: Connection, space: SpaceId, conversation: ConversationId
) -> tuple[Summary | None, int]:
    """The summary, and the turn up to which it goes."""
    row = await connection.fetchrow(_SQL["standing"], space, conversation)
    if row is None:
        raise ConversationNotFound
    return (_summary(row), row["last_turn"]) if row["version"] is not None else (None, 0)


def _summary(row: asyncpg.Record) -> Summary:
    return Summary(
        text=row["content"],
        mark=row["mark"],
        author=row["author"],
        version=row["version"],
        last_run_id=RunId(row["last_run_id"]),
        last_message_id=MessageId(row["last_message_id"]),
    )


def _turns(rows: Iterable[asyncpg.Record]) -> tuple[Turn, ...]:
    return turns_of((message_of(row), row["ended"] is not False) for row in rows)
