"""The journals of runs in Postgres."""

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.identifiers import RunId, SpaceId
from domain.runs.codec import (
    answer_mark,
    answer_of,
    decode_kind,
    encode_kind,
    kind_name,
    resumed_by,
)
from domain.runs.event import EVENT_VERSION, RunEvent, RunResumed
from domain.runs.journal import Mark, MarkKind
from domain.runs.pause import Answer

_SQL = statements("journal")


class PostgresRunJournal:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, space: SpaceId, run: RunId) -> tuple[Mark, ...]:
        async with self._pool.in_space(space) as connection:
            rows = await connection.fetch(_SQL["read"], space, run)
        return tuple(
            Mark(
                kind=MarkKind(row["kind"]),
                scope=row["scope"],
                key=row["key"],
                payload=row["payload"],
            )
            for row in rows
        )

    async def answer(self, space: SpaceId, run: RunId, answer: Answer) -> RunEvent | None:
        kind = resumed_by(answer)
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(
                _SQL["answer"],
                space,
                run,
                answer.pause_id,
                EVENT_VERSION,
                kind_name(kind),
                encode_kind(kind),
                answer_mark(answer).payload,
            )
        if row is None:
            return None
        return RunEvent(sequence=row["sequence"], create_time=row["create_time"], kind=kind)

    async def answered(self, space: SpaceId, run: RunId, pause_id: str) -> Answer | None:
        async with self._pool.in_space(space) as connection:
            rows = await connection.fetch(_SQL["answers"], space, run)
        kinds = [decode_kind(row["kind"], row["payload"]) for row in rows]
        given = [kind for kind in kinds if isinstance(kind, RunResumed)]
        return next((answer_of(kind) for kind in given if kind.pause_id == pause_id), None)
