"""The gapless history of each run in Postgres."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.postgres.appends import Append, Key, Placed, append_of, arguments
from adapters.postgres.group_commit import LANES, GroupCommit
from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from application.ports.entropy import Entropy
from domain.identifiers import RunId, SpaceId
from domain.runs.codec import decode_kind
from domain.runs.event import EventKind, RunEvent
from domain.runs.journal import Mark

_SQL = statements("events")


class PostgresEventLog:
    """Appends of all runs that go through one instance share their commits."""

    def __init__(self, pool: Pool, entropy: Entropy, *, lanes: int = LANES) -> None:
        self._pool = pool
        self._entropy = entropy
        self._appends = GroupCommit(self._commit, lanes=lanes)

    async def append(
        self,
        space: SpaceId,
        run: RunId,
        fence: int,
        kinds: Sequence[EventKind],
        marks: Sequence[Mark] = (),
    ) -> tuple[RunEvent, ...]:
        if not kinds and not marks:
            return ()
        placed = await self._appends.append(
            append_of(space, run, fence, kinds, self._entropy.uuid, marks)
        )
        return tuple(
            [
                RunEvent(sequence=sequence, create_time=placed.create_time, kind=kind)
                for sequence, kind in enumerate(kinds, start=placed.first_sequence)
            ]
        )

    async def read(
        self, space: SpaceId, run: RunId, after: int, limit: int
    ) -> tuple[RunEvent, ...]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_SQL["read"], space, run, after, limit)
        return tuple(
            RunEvent(
                sequence=row["sequence"],
                create_time=row["create_time"],
                kind=decode_kind(row["kind"], row["payload"]),
            )
            for row in rows
        )

    async def _commit(self, group: Sequence[Append]) -> Mapping[Key, Placed | None]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_SQL["append"], *arguments(group))
        return {(space, run): _placed(first, time) for space, run, first, time in rows}


def _placed(first_sequence: int | None, create_time: datetime) -> Placed | None:
    if first_sequence is None:
        return None
    return Placed(first_sequence=first_sequence, create_time=create_time)
