"""The gapless history of each run in Postgres."""

from collections.abc import Sequence

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from application.ports.entropy import Entropy
from domain.identifiers import RunId, SpaceId
from domain.runs.codec import decode_kind, encode_kind, kind_name
from domain.runs.event import EVENT_VERSION, Drafted, EventKind, RunCompleted, RunEvent

_SQL = statements("runs")


class PostgresEventLog:
    def __init__(self, pool: Pool, entropy: Entropy) -> None:
        self._pool = pool
        self._entropy = entropy

    async def append(
        self, space: SpaceId, run: RunId, fence: int, kinds: Sequence[EventKind]
    ) -> tuple[RunEvent, ...]:
        if not kinds:
            return ()
        reasons = [kind.reason.value for kind in kinds if isinstance(kind, RunCompleted)]
        # Text columns cannot hold NUL; the log itself keeps it, escaped.
        answers = [kind.text.replace("\x00", "") for kind in kinds if isinstance(kind, Drafted)]
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(
                _SQL["append"],
                space,
                run,
                fence,
                EVENT_VERSION,
                [kind_name(kind) for kind in kinds],
                [encode_kind(kind) for kind in kinds],
                reasons[0] if reasons else None,
                answers[0] if answers else None,
                self._entropy.uuid(),
            )
        if row is None:
            raise RuntimeError("append_events answers one row")
        return tuple(
            RunEvent(sequence=sequence, create_time=row["create_time"], kind=kind)
            for sequence, kind in enumerate(kinds, start=row["first_sequence"])
        )

    async def read(
        self, space: SpaceId, run: RunId, after: int, limit: int
    ) -> tuple[RunEvent, ...]:
        async with self._pool.in_space(space) as connection:
            rows = await connection.fetch(_SQL["read"], space, run, after, limit)
        return tuple(
            RunEvent(
                sequence=row["sequence"],
                create_time=row["create_time"],
                kind=decode_kind(row["kind"], row["payload"]),
            )
            for row in rows
        )
