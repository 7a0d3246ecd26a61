"""Runs in Postgres."""

import asyncpg

from adapters.postgres.pool import Connection, Pool
from adapters.postgres.statements import statements
from application.ports.entropy import Entropy
from domain.conversations.conversation import ConversationNotFound
from domain.identifiers import ConversationId, RunId, SpaceId
from domain.paging import Page, PageRequest, page_of
from domain.runs.codec import encode_kind, kind_name
from domain.runs.event import EVENT_VERSION, RunQueued
from domain.runs.run import (
    FenceLost,
    Question,
    RequestIdReused,
    Run,
    RunNotFound,
    RunState,
    TerminationReason,
)

_SQL = statements("runs")


class PostgresRunStore:
    def __init__(self, pool: Pool, entropy: Entropy) -> None:
        self._pool = pool
        self._entropy = entropy

    async def create(self, run: Run, request_id: str | None) -> tuple[Run, bool]:
        try:
            async with self._pool.in_space(run.space_id) as connection:
                if await self._insert(connection, run, request_id):
                    return run, True
                row = await connection.fetchrow(_SQL["by_request"], run.space_id, request_id)
        except asyncpg.ForeignKeyViolationError:
            raise ConversationNotFound from None
        if row is None or row["fingerprint"] != run.question.fingerprint():
            raise RequestIdReused
        return _run(row), False

    async def get(self, space: SpaceId, run: RunId) -> Run:
        return _run(await self._one(space, _SQL["get"], run))

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Run]:
        async with self._pool.in_space(space) as connection:
            rows = await connection.fetch(_SQL["list"], space, page.after, page.size + 1)
        return page_of([_run(row) for row in rows], page.size, lambda r: r.run_id)

    async def claim(self, space: SpaceId, run: RunId) -> Run:
        async with self._pool.in_space(space) as connection:
            row = await connection.fetchrow(_SQL["claim"], space, run)
            if row is None and await connection.fetchrow(_SQL["get"], space, run):
                raise FenceLost
        if row is None:
            raise RunNotFound
        return _run(row)

    async def request_cancel(self, space: SpaceId, run: RunId) -> Run:
        return _run(await self._one(space, _SQL["request_cancel"], run))

    async def _one(self, space: SpaceId, statement: str, run: RunId) -> asyncpg.Record:
        async with self._pool.in_space(space) as connection:
            row = await connection.fetchrow(statement, space, run)
        if row is None:
            raise RunNotFound
        return row

    async def _insert(self, connection: Connection, run: Run, request_id: str | None) -> bool:
        question = run.question
        inserted = await connection.fetchval(
            _SQL["create"],
            run.space_id,
            run.run_id,
            run.user_id,
            question.agent,
            question.text,
            question.conversation_id,
            list(question.document_ids),
            request_id,
            question.fingerprint(),
            run.create_time,
        )
        if inserted is None:
            return False
        await self._insert_first_event(connection, run)
        return True

    async def _insert_first_event(self, connection: Connection, run: Run) -> None:
        queued = RunQueued(run_id=run.run_id, agent=run.question.agent)
        await connection.execute(
            _SQL["first_event"],
            run.space_id,
            run.run_id,
            kind_name(queued),
            EVENT_VERSION,
            encode_kind(queued),
            run.create_time,
        )
        conversation = run.question.conversation_id
        if conversation is not None:
            await connection.execute(
                _SQL["question"],
                run.space_id,
                conversation,
                self._entropy.uuid(),
                run.run_id,
                run.question.text,
            )


def _run(row: asyncpg.Record) -> Run:
    conversation, reason = row["conversation_id"], row["termination_reason"]
    return Run(
        run_id=row["run_id"],
        space_id=row["space_id"],
        user_id=row["user_id"],
        question=Question(
            agent=row["agent"],
            text=row["question"],
            conversation_id=ConversationId(conversation) if conversation else None,
            document_ids=tuple(row["document_ids"]),
        ),
        state=RunState(row["state"]),
        termination_reason=TerminationReason(reason) if reason else None,
        last_sequence=row["last_sequence"],
        fence=row["fence"],
        cancel_requested=row["cancel_requested"],
        create_time=row["create_time"],
        end_time=row["end_time"],
    )
