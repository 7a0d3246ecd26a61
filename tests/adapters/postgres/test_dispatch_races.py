"""Many processes at once on one database: two stores with connections of their own."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from adapters.postgres.pool import Pool
from domain.identifiers import RunId, SpaceId, WorkerId
from domain.runs.admission import Admission, DoubleText, RunLimits, RunQueueFull
from domain.runs.event import RunCompleted, TokenBatch
from domain.runs.lease import WorkerKind
from domain.runs.run import CancelReason, FenceLost, Run, RunState, TerminationReason
from fixtures.making import Home, conversation, new_home, new_id, run
from fixtures.postgres import Database, SharedDatabase
from fixtures.stores import Stores, postgres_stores

LIMIT = 2
TERMS = Admission(limits=RunLimits(running=LIMIT, queued=1000))
COMPLETE = RunCompleted(reason=TerminationReason.COMPLETE)


@dataclass(slots=True)
class Watchman:
    """Counts what is at work, by space, as those see it who do it."""

    at_work: Counter[SpaceId] = field(default_factory=Counter)
    most: Counter[SpaceId] = field(default_factory=Counter)
    executed: list[RunId] = field(default_factory=list)

    async def execute(self, stores: Stores, one: Run) -> None:
        self.at_work[one.space_id] += 1
        self.most[one.space_id] = max(self.most[one.space_id], self.at_work[one.space_id])
        await asyncio.sleep(random.uniform(0, 0.004))
        self.executed.append(one.run_id)
        self.at_work[one.space_id] -= 1
        await stores.log.append(one.space_id, one.run_id, one.fence, [COMPLETE])


@pytest_asyncio.fixture
async def pair(pool: Pool, shared_database: SharedDatabase) -> AsyncIterator[tuple[Stores, Stores]]:
    second = await Pool.open(shared_database.database.dsn)
    yield postgres_stores(pool), postgres_stores(second)
    await second.close()


async def test_a_queue_is_never_overfilled_by_what_gathers_in_several_processes(
    shared_database: SharedDatabase,
) -> None:
    terms = Admission(limits=RunLimits(running=1, queued=100))

    async def create(stores: Stores, one: Run) -> bool:
        try:
            return (await stores.runs.create(one, None, admission=terms)).created
        except RunQueueFull:
            return False

    async with AsyncExitStack() as stack:
        four = [
            postgres_stores(await stack.enter_async_context(_opened(shared_database)))
            for _ in range(4)
        ]
        for _ in range(3):
            home = await new_home(four[0].tenancy)
            asked = [create(stores, run(home)) for _ in range(65) for stores in four]
            assert sum(await asyncio.gather(*asked)) == 100


@asynccontextmanager
async def _opened(shared: SharedDatabase) -> AsyncIterator[Pool]:
    pool = await Pool.open(shared.database.dsn)
    try:
        yield pool
    finally:
        await pool.close()


async def _work(stores: Stores, watchman: Watchman, until: int, room: int) -> None:
    worker = WorkerId(new_id())
    await stores.workers.beat(worker, WorkerKind.WORKER)
    while len(watchman.executed) < until:
        runs = await stores.workers.claim_runs(worker, room, running_limit=LIMIT)
        await asyncio.gather(*(watchman.execute(stores, one) for one in runs))
        if not runs:
            await asyncio.sleep(0.002)


@pytest.mark.parametrize("room", [1, 4])
async def test_a_limit_is_never_exceeded_and_no_run_is_lost_or_executed_twice(
    pair: tuple[Stores, Stores], room: int
) -> None:
    homes = [await new_home(pair[0].tenancy) for _ in range(3)]
    watchman, total = Watchman(), 90
    made = [run(homes[n % 3]) for n in range(total)]
    for one in made[:45]:
        await pair[0].runs.create(one, None, admission=TERMS)

    async def arrive(stores: Stores, mine: list[Run]) -> None:
        worker = WorkerId(new_id())
        await stores.workers.beat(worker, WorkerKind.SERVER)
        for one in mine:
            accepted = await stores.runs.create(one, None, admission=TERMS, claim_for=worker)
            if accepted.claimed:
                await watchman.execute(stores, accepted.run)
            await asyncio.sleep(random.uniform(0, 0.003))

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for stores in pair:
            for _ in range(4):
                group.create_task(_work(stores, watchman, total, room))
        for stores, mine in zip(pair, (made[45:67], made[67:]), strict=True):
            group.create_task(arrive(stores, mine))
    assert Counter(watchman.executed) == Counter(one.run_id for one in made)
    assert max(watchman.most.values()) <= LIMIT


async def test_runs_that_begin_at_once_hold_the_limit_in_two_processes(
    pair: tuple[Stores, Stores], pool: Pool
) -> None:
    home = await new_home(pair[0].tenancy)
    accepted = await asyncio.gather(
        *(
            stores.runs.create(run(home), None, admission=TERMS, claim_for=WorkerId(new_id()))
            for _ in range(20)
            for stores in pair
        )
    )
    assert 1 <= sum(one.claimed for one in accepted) <= LIMIT


async def test_a_noisy_space_delays_a_quiet_one_by_one_slot_at_most(
    pair: tuple[Stores, Stores],
) -> None:
    noisy, quiet = [await new_home(pair[0].tenancy) for _ in range(2)]
    terms = Admission(limits=RunLimits(running=8, queued=1000))
    for _ in range(200):
        await pair[0].runs.create(run(noisy), None, admission=terms)
    worker = WorkerId(new_id())
    await pair[0].workers.beat(worker, WorkerKind.SERVER)
    at_work = await pair[0].workers.claim_runs(worker, 4, running_limit=8)
    assert len(at_work) == 4
    asked = (await pair[1].runs.create(run(quiet), None, admission=terms)).run
    await pair[0].log.append(noisy.space, at_work[0].run_id, 1, [COMPLETE])
    (following,) = await pair[1].workers.claim_runs(worker, 1, running_limit=8)
    assert following.run_id == asked.run_id


async def test_one_conversation_is_never_answered_twice_at_once(
    pair: tuple[Stores, Stores],
) -> None:
    home = await new_home(pair[0].tenancy)
    threads = [conversation(home) for _ in range(2)]
    for thread in threads:
        await pair[0].conversations.add(thread)
    at_work: Counter[object] = Counter()
    done: list[RunId] = []

    async def work(stores: Stores) -> None:
        worker = WorkerId(new_id())
        await stores.workers.beat(worker, WorkerKind.WORKER)
        while len(done) < 24:
            for one in await stores.workers.claim_runs(worker, 2, running_limit=8):
                thread = one.question.conversation_id
                at_work[thread] += 1
                assert at_work[thread] == 1
                await asyncio.sleep(0.002)
                at_work[thread] -= 1
                done.append(one.run_id)
                await stores.log.append(home.space, one.run_id, one.fence, [COMPLETE])
            await asyncio.sleep(0.001)

    async def ask(stores: Stores) -> None:
        for n in range(12):
            asked = run(home, conversation_id=threads[n % 2].conversation_id)
            await stores.runs.create(asked, None)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for stores in pair:
            group.create_task(ask(stores))
            for _ in range(3):
                group.create_task(work(stores))
    assert len(set(done)) == 24


async def test_a_taken_over_run_has_one_writer_whoever_writes(pair: tuple[Stores, Stores]) -> None:
    home = await new_home(pair[0].tenancy)
    dead, alive = WorkerId(new_id()), WorkerId(new_id())
    await pair[0].fleeting.beat(dead, WorkerKind.SERVER)
    await pair[1].workers.beat(alive, WorkerKind.SERVER)
    one = (await pair[0].runs.create(run(home), None, claim_for=dead)).run
    kept: list[int] = []

    async def write(stores: Stores, fence: int) -> None:
        for _ in range(20):
            try:
                (event,) = await stores.log.append(
                    home.space, one.run_id, fence, [TokenBatch(text=str(fence))]
                )
            except FenceLost:
                return
            kept.append(event.sequence)

    async def take_over() -> None:
        # A reaper passes over a run whose row is being written in that moment.
        async with asyncio.timeout(5):
            while not await pair[1].workers.reap():  # noqa: ASYNC110  # nobody announces it
                await asyncio.sleep(0.001)
        (again,) = await pair[1].workers.claim_runs(alive, 1, running_limit=1)
        await write(pair[1], again.fence)

    await asyncio.gather(write(pair[0], one.fence), take_over())
    events = await pair[1].log.read(home.space, one.run_id, 0, 1000)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert sorted(kept) == list(range(2, len(events) + 1))
    texts = [event.kind.text for event in events if isinstance(event.kind, TokenBatch)]
    assert texts == sorted(texts), "the old writer wrote nothing after the new one"


async def test_many_reapers_let_a_run_wait_again_once(pair: tuple[Stores, Stores]) -> None:
    home, dead = await new_home(pair[0].tenancy), WorkerId(new_id())
    await pair[0].fleeting.beat(dead, WorkerKind.SERVER)
    for _ in range(5):
        await pair[0].runs.create(run(home), None, claim_for=dead)
    reaped = await asyncio.gather(*(stores.workers.reap() for stores in pair for _ in range(4)))
    assert sum(reaped) == 5


async def test_a_queue_is_never_longer_than_it_may_be(pair: tuple[Stores, Stores]) -> None:
    home = await new_home(pair[0].tenancy)
    terms = Admission(limits=RunLimits(running=1, queued=10))
    answers = await asyncio.gather(
        *(
            stores.runs.create(run(home), None, admission=terms)
            for _ in range(20)
            for stores in pair
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 10


async def test_questions_that_take_each_others_place_leave_the_last_one(
    pair: tuple[Stores, Stores],
) -> None:
    home = await new_home(pair[0].tenancy)
    made = conversation(home)
    await pair[0].conversations.add(made)
    thread = made.conversation_id
    worker = WorkerId(new_id())
    await pair[0].workers.beat(worker, WorkerKind.SERVER)
    accepted = await asyncio.gather(
        *(
            stores.runs.create(
                run(home, str(n), conversation_id=thread),
                None,
                admission=Admission(double_text=DoubleText.ROLLBACK),
                claim_for=worker,
            )
            for n in range(6)
            for stores in pair
        )
    )
    kept = [await pair[1].runs.get(home.space, one.run.run_id) for one in accepted]
    left = [one for one in kept if one.cancel_reason is None]
    assert len(left) == 1
    assert {one.cancel_reason for one in kept if one is not left[0]} == {CancelReason.SUPERSEDED}
    replaced = [run_id for one in accepted for run_id in one.superseded]
    assert len(replaced) == len(set(replaced)) == 11
    assert [one.state for one in kept].count(RunState.RUNNING) <= 1


async def test_the_next_run_is_found_by_its_index_among_many_that_have_ended(
    fresh_database: Database,
) -> None:
    pool = await Pool.open(fresh_database.dsn)
    try:
        stores = postgres_stores(pool)
        home: Home = await new_home(stores.tenancy)
        async with pool.in_space(home.space) as connection:
            await connection.execute(
                "insert into obelisk.runs (space_id, run_id, user_id, agent, question,"
                " document_ids, fingerprint, state, last_sequence, create_time)"
                " select $1, gen_random_uuid(), $2, 'brand', '?', '{}', '', 'ended', 1, now()"
                " from generate_series(1, 20000)",
                home.space,
                home.owner,
            )
        await stores.runs.create(run(home), None)
        worker = WorkerId(new_id())
        await stores.workers.beat(worker, WorkerKind.SERVER)
        before = await _blocks_read(pool)
        assert len(await stores.workers.claim_runs(worker, 1, running_limit=8)) == 1
        assert await stores.workers.reap() == 0
        assert len(await stores.workers.beat(worker, WorkerKind.SERVER)) == 1
        assert await _blocks_read(pool) - before < 300
    finally:
        await pool.close()


async def _blocks_read(pool: Pool) -> int:
    async with pool.connection() as connection:
        await connection.execute("select pg_stat_force_next_flush()")
        return int(
            await connection.fetchval(
                "select heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read"
                " from pg_statio_all_tables"
                " where schemaname = 'obelisk' and relname = 'runs'"
            )
        )


@asynccontextmanager
async def _claiming(pool: Pool, room: int) -> AsyncIterator[int]:
    """A claim that is not committed yet; how many runs it has taken."""
    async with pool.connection() as connection, connection.transaction():
        rows = await connection.fetch(
            "select run_id from obelisk.claim_runs($1, $2, $3)", new_id(), room, LIMIT
        )
        yield len(rows)


async def test_a_claim_waits_for_the_one_before_it_and_counts_what_that_took(
    pair: tuple[Stores, Stores], pool: Pool
) -> None:
    home = await new_home(pair[0].tenancy)
    for _ in range(5):
        await pair[0].runs.create(run(home), None, admission=TERMS)
    worker = WorkerId(new_id())
    async with asyncio.TaskGroup() as group:
        async with _claiming(pool, LIMIT) as taken:
            assert taken == LIMIT
            claim = group.create_task(pair[1].workers.claim_runs(worker, 5, running_limit=LIMIT))
            await asyncio.sleep(0.1)
            assert not claim.done(), "it cannot know yet how many are running"
        assert await claim == ()


async def test_a_run_does_not_begin_while_somebody_else_is_counting(
    pair: tuple[Stores, Stores], pool: Pool
) -> None:
    home, worker = await new_home(pair[0].tenancy), WorkerId(new_id())
    async with pool.connection() as connection, connection.transaction():
        lock = "select pg_advisory_xact_lock(obelisk.space_lock($1))"
        await connection.execute(lock, home.space)
        async with asyncio.timeout(10):
            accepted = await pair[1].runs.create(run(home), None, claim_for=worker)
        assert (accepted.created, accepted.claimed) == (True, False)
    (following,) = await pair[1].workers.claim_runs(worker, 5, running_limit=LIMIT)
    assert following.run_id == accepted.run.run_id
