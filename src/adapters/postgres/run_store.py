"""Runs in Postgres."""

from collections.abc import Sequence

import asyncpg

from adapters.postgres.accepts import GatheredAccepts, Terms
from adapters.postgres.pool import Pool
from adapters.postgres.run_rows import run_of
from adapters.postgres.statements import statements
from application.ports.entropy import Entropy
from application.ports.run_store import Accepted
from domain.conversations.conversation import ConversationNotFound
from domain.identifiers import RunId, SpaceId, WorkerId
from domain.paging import Page, PageRequest, page_of
from domain.runs.admission import (
    USUAL_TERMS,
    Admission,
    ConversationBusy,
    RunQueueFull,
    fingerprint,
)
from domain.runs.codec import encode_kind, kind_name
from domain.runs.event import EVENT_VERSION, first_event
from domain.runs.run import CancelReason, FenceLost, RequestIdReused, Run, RunNotFound, RunState

_SQL = statements("runs")


class PostgresRunStore:
    def __init__(self, pool: Pool, entropy: Entropy) -> None:
        self._pool = pool
        self._entropy = entropy
        self._gathered = GatheredAccepts(self._accept)

    async def create(
        self,
        run: Run,
        request_id: str | None,
        *,
        admission: Admission = USUAL_TERMS,
        claim_for: WorkerId | None = None,
    ) -> Accepted:
        mark = fingerprint(run, admission)
        terms = self._terms(run, request_id, mark, admission, claim_for)
        if run.question.conversation_id is None:
            row = await self._gathered(run.space_id, terms)
        else:
            # By itself: it waits for whoever holds the conversation.
            (row,) = await self._accept(run.space_id, [terms])
        match row["outcome"]:
            case "no_conversation":
                return await self._earlier(run, request_id, mark)
            case "busy":
                raise ConversationBusy
            case "full":
                raise RunQueueFull(admission.limits.queued)
            case "repeated" if row["fingerprint"] != mark:
                raise RequestIdReused
            case "repeated":
                return Accepted(run=run_of(row), created=False)
        accepted = run_of(row)
        return Accepted(
            run=accepted,
            created=True,
            claimed=accepted.state is RunState.RUNNING,
            superseded=tuple(row["superseded"]),
        )

    async def _accept(self, space: SpaceId, group: Sequence[Terms]) -> Sequence[asyncpg.Record]:
        # One statement, so one round trip and one commit; it names the space by itself.
        async with self._pool.connection() as connection:
            return await connection.fetch(
                _SQL["accept"], space, *map(list, zip(*group, strict=True))
            )

    async def _earlier(self, run: Run, request_id: str | None, mark: str) -> Accepted:
        """The run that the same request started before its conversation was deleted."""
        async with self._pool.in_space(run.space_id) as connection:
            row = await connection.fetchrow(_SQL["requested"], run.space_id, request_id)
        if row is None:
            raise ConversationNotFound
        if row["fingerprint"] != mark:
            raise RequestIdReused
        return Accepted(run=run_of(row), created=False)

    async def get(self, space: SpaceId, run: RunId) -> Run:
        return run_of(await self._one(_SQL["get"], space, run))

    async def list(self, space: SpaceId, page: PageRequest) -> Page[Run]:
        async with self._pool.in_space(space) as connection:
            rows = await connection.fetch(_SQL["list"], space, page.after, page.size + 1)
        return page_of([run_of(row) for row in rows], page.size, lambda r: r.run_id)

    async def claim(self, space: SpaceId, run: RunId, worker: WorkerId | None = None) -> Run:
        async with self._pool.in_space(space) as connection:
            row = await connection.fetchrow(_SQL["claim"], space, run, worker)
            if row is None and await connection.fetchrow(_SQL["get"], space, run):
                raise FenceLost
        if row is None:
            raise RunNotFound
        return run_of(row)

    async def request_cancel(
        self, space: SpaceId, run: RunId, reason: CancelReason = CancelReason.USER
    ) -> Run:
        return run_of(await self._one(_SQL["request_cancel"], space, run, reason.value))

    async def hand_back(self, run: Run) -> None:
        spent = False
        async with self._pool.connection() as connection:
            await connection.execute(_SQL["release"], run.space_id, run.run_id, run.fence, spent)

    async def _one(
        self, statement: str, space: SpaceId, run: RunId, *more: object
    ) -> asyncpg.Record:
        async with self._pool.in_space(space) as connection:
            row = await connection.fetchrow(statement, space, run, *more)
        if row is None:
            raise RunNotFound
        return row

    def _terms(
        self,
        run: Run,
        request_id: str | None,
        mark: str,
        admission: Admission,
        claim_for: WorkerId | None,
    ) -> tuple[object, ...]:
        question, limits = run.question, admission.limits
        queued = first_event(run).kind
        return (
            run.run_id,
            run.user_id,
            question.agent,
            question.text,
            question.conversation_id,
            f"{{{','.join(map(str, question.document_ids))}}}",
            request_id,
            mark,
            run.create_time,
            run.require_approval,
            admission.double_text.value,
            limits.running,
            limits.queued,
            claim_for,
            self._entropy.uuid(),
            kind_name(queued),
            EVENT_VERSION,
            encode_kind(queued),
        )
