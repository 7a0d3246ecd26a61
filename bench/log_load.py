"""Many runs whose tokens are put into a log at a steady rate, and how long each took to be kept."""

import asyncio
import resource
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from adapters.local.clock import SystemClock
from adapters.local.entropy import SystemEntropy
from adapters.local.fan_out import InProcessFanOut
from adapters.postgres.appends import append_of, arguments
from adapters.postgres.pool import Connection, Pool
from adapters.postgres.run_store import PostgresRunStore
from adapters.postgres.statements import statements
from application.ports.event_log import EventLog
from application.runs.writer import RunWriter
from domain.identifiers import RunId, SpaceId, UserId
from domain.runs.event import EventKind, RunCompleted, RunEvent, TokenBatch
from domain.runs.journal import Mark
from domain.runs.run import Question, Run, RunState, TerminationReason

TOKEN = "word "
_SQL = statements("events")


class CountingPool(Pool):
    """A pool that counts what runs on it: the log commits once for each connection it takes."""

    taken = 0

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        self.taken += 1
        async with super().connection() as connection:
            yield connection


class OneByOne:
    """A log as it would be without groups: every append is a statement and a commit of its own."""

    def __init__(self, pool: Pool, log: EventLog) -> None:
        self._pool = pool
        self._entropy = SystemEntropy()
        self.read = log.read

    async def append(
        self,
        space: SpaceId,
        run: RunId,
        fence: int,
        kinds: Sequence[EventKind],
        marks: Sequence[Mark] = (),
    ) -> tuple[RunEvent, ...]:
        append = append_of(space, run, fence, kinds, self._entropy.uuid, marks)
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_SQL["append"], *arguments([append]))
        if row is None:
            raise RuntimeError("an append that is alone is always answered")
        return tuple(
            RunEvent(sequence=sequence, create_time=row["create_time"], kind=kind)
            for sequence, kind in enumerate(kinds, start=row["first_sequence"])
        )


class Uncoalesced:
    """A log that keeps each token as a row, although the writer had put tokens together."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.read = log.read

    async def append(
        self,
        space: SpaceId,
        run: RunId,
        fence: int,
        kinds: Sequence[EventKind],
        marks: Sequence[Mark] = (),
    ) -> tuple[RunEvent, ...]:
        apart = [part for kind in kinds for part in _parts(kind)]
        return await self._log.append(space, run, fence, apart, marks)


def _parts(kind: EventKind) -> list[EventKind]:
    if not isinstance(kind, TokenBatch):
        return [kind]
    return [TokenBatch(text=TOKEN) for _ in range(len(kind.text) // len(TOKEN))]


@dataclass(slots=True, kw_only=True)
class Measured:
    """What was put and kept between two moments; `waits` in seconds, from put to announced."""

    put: int = 0
    kept: int = 0
    rows: int = 0
    commits: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    waits: list[float] = field(default_factory=list)


class _Watch(InProcessFanOut):
    """Hears what is committed, and knows when each token of it was put."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[RunId, deque[float]] = {}
        self.measured: Measured | None = None

    def put(self, run: RunId) -> None:
        self.waiting[run].append(time.perf_counter())
        if self.measured is not None:
            self.measured.put += 1

    async def publish(self, space: SpaceId, run: RunId, events: Sequence[RunEvent]) -> None:
        await super().publish(space, run, events)
        now, waiting, measured = time.perf_counter(), self.waiting[run], self.measured
        tokens = sum(
            len(event.kind.text) // len(TOKEN)
            for event in events
            if isinstance(event.kind, TokenBatch)
        )
        waits = [now - waiting.popleft() for _ in range(tokens)]
        if measured is not None:
            measured.kept += tokens
            measured.rows += len(events)
            measured.waits += waits


async def load(
    log: EventLog,
    runs: Sequence[Run],
    pool: CountingPool,
    *,
    rate: float,
    warm_up: float,
    seconds: float,
) -> Measured:
    """Put `rate` tokens a second in all for `seconds`, and measure what becomes of them.

    The runs are claimed; they have ended when this returns.
    """
    watch, stop = _Watch(), asyncio.Event()
    measured = Measured()
    async with asyncio.TaskGroup() as group:
        for place, run in enumerate(runs):
            watch.waiting[run.run_id] = deque()
            delay = place / rate
            group.create_task(_one_run(log, run, watch, stop, len(runs) / rate, delay))
        await asyncio.sleep(warm_up)
        with _timed(measured, pool):
            watch.measured = measured
            await asyncio.sleep(seconds)
            watch.measured = None
        stop.set()
    return measured


async def _one_run(
    log: EventLog, run: Run, watch: _Watch, stop: asyncio.Event, between: float, delay: float
) -> None:
    writer = RunWriter(run, log=log, fan_out=watch, clock=SystemClock())
    async with asyncio.TaskGroup() as group:
        group.create_task(writer.drain())
        due = time.perf_counter() + delay
        while not stop.is_set():
            await asyncio.sleep(due - time.perf_counter())
            # A loop that is late catches up: the rate is a rate.
            while due <= time.perf_counter():
                watch.put(run.run_id)
                writer.put(TokenBatch(text=TOKEN))
                due += between
        writer.put(RunCompleted(reason=TerminationReason.COMPLETE))
        writer.close()


@contextmanager
def _timed(measured: Measured, pool: CountingPool) -> Iterator[None]:
    wall, cpu, taken = time.perf_counter(), _cpu_seconds(), pool.taken
    yield
    measured.commits = pool.taken - taken
    measured.seconds, measured.cpu = time.perf_counter() - wall, _cpu_seconds() - cpu


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def claimed_runs(pool: Pool, spaces: Sequence[SpaceId], count: int) -> list[Run]:
    """New runs, over all spaces by turns, each with its writer's fence."""
    store, entropy = PostgresRunStore(pool, SystemEntropy()), SystemEntropy()
    claimed = []
    for place in range(count):
        run = Run(
            run_id=RunId(entropy.uuid()),
            space_id=spaces[place % len(spaces)],
            user_id=UserId(entropy.uuid()),
            question=Question(agent="brand", text="What do we sell, and to whom?"),
            state=RunState.QUEUED,
            termination_reason=None,
            last_sequence=1,
            fence=0,
            cancel_requested=False,
            create_time=datetime.now(UTC),
            end_time=None,
        )
        await store.create(run, None)
        claimed.append(await store.claim(run.space_id, run.run_id))
    return claimed


async def gaps(log: EventLog, runs: Sequence[Run]) -> list[str]:
    """Runs whose log is not gapless from 1 to its end."""
    return [f"run {run.run_id} has a gap" for run in runs if not await _whole(log, run)]


async def _whole(log: EventLog, run: Run) -> bool:
    after = 0
    while page := await log.read(run.space_id, run.run_id, after, 1000):
        if [event.sequence for event in page] != list(range(after + 1, after + 1 + len(page))):
            return False
        after = page[-1].sequence
        if page[-1].is_last:
            return True
    return False
