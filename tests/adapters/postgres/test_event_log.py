"""Appends of many runs in one commit: real rows, real locks, real failures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import asyncpg
import pytest
import pytest_asyncio

from adapters.local.entropy import SystemEntropy
from adapters.postgres.appends import append_of, arguments
from adapters.postgres.errors import DatabaseUnavailable
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.pool import Connection, Pool
from adapters.postgres.statements import statements
from domain.conversations.conversation import ConversationNotFound
from domain.identifiers import ConversationId
from domain.paging import PageRequest
from domain.runs.event import Drafted, EventKind, RunCompleted, TokenBatch
from domain.runs.run import FenceLost, Run, RunState, TerminationReason
from fixtures.making import Home, conversation, new_home, new_id, run
from fixtures.postgres import SharedDatabase
from fixtures.stores import Stores, postgres_stores

COMPLETED = RunCompleted(reason=TerminationReason.COMPLETE)
_APPEND = statements("events")["append"]


class CountingPool(Pool):
    """Counts the connections that were taken for one statement each."""

    taken = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        self.taken += 1
        async with super().connection() as connection:
            yield connection


@pytest_asyncio.fixture
async def counting(pool: Pool, shared_database: SharedDatabase) -> AsyncIterator[CountingPool]:
    """Another pool of the shared database, which is empty."""
    opened = await CountingPool.open(shared_database.database.dsn)
    assert isinstance(opened, CountingPool)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def stores(pool: Pool) -> Stores:
    return postgres_stores(pool)


@pytest_asyncio.fixture
async def home(stores: Stores) -> Home:
    return await new_home(stores.tenancy)


@pytest_asyncio.fixture
async def away(stores: Stores) -> Home:
    return await new_home(stores.tenancy)


async def _claimed(stores: Stores, home: Home, thread: ConversationId | None = None) -> Run:
    made = run(home, conversation_id=thread)
    await stores.runs.create(made, None)
    return await stores.runs.claim(home.space, made.run_id)


async def _thread(stores: Stores, home: Home) -> ConversationId:
    made = conversation(home)
    await stores.conversations.add(made)
    return made.conversation_id


async def _append(stores: Stores, one: Run, *kinds: EventKind) -> list[int]:
    events = await stores.log.append(one.space_id, one.run_id, one.fence, kinds)
    return [event.sequence for event in events]


async def _sequences(stores: Stores, one: Run) -> list[int]:
    return [event.sequence for event in await stores.log.read(one.space_id, one.run_id, 0, 9999)]


async def test_many_runs_of_many_spaces_share_one_commit(
    counting: CountingPool, stores: Stores, home: Home, away: Home
) -> None:
    runs = [await _claimed(stores, (home, away)[n % 2]) for n in range(30)]
    through, before = postgres_stores(counting), counting.taken
    placed = await asyncio.gather(*(_append(through, one, TokenBatch(text="a")) for one in runs))
    assert placed == [[2]] * 30
    assert counting.taken - before == 1


async def test_an_append_that_is_alone_takes_one_round_trip_and_one_commit(
    counting: CountingPool, stores: Stores, home: Home
) -> None:
    one, before = await _claimed(stores, home), counting.taken
    assert await _append(postgres_stores(counting), one, TokenBatch(text="a")) == [2]
    assert counting.taken - before == 1


async def test_one_lost_fence_in_a_group_loses_nothing_of_the_others(
    stores: Stores, home: Home, away: Home
) -> None:
    runs = [await _claimed(stores, (home, away)[n % 2]) for n in range(6)]
    await stores.runs.claim(runs[2].space_id, runs[2].run_id)
    await _append(stores, runs[5], COMPLETED)
    outcomes = await asyncio.gather(
        *(_append(stores, one, TokenBatch(text="a"), COMPLETED) for one in runs),
        return_exceptions=True,
    )
    lost = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, FenceLost)]
    assert lost == [2, 5]
    assert [await _sequences(stores, runs[n]) for n in (0, 1, 3, 4)] == [[1, 2, 3]] * 4
    assert await _sequences(stores, runs[2]) == [1]


async def test_text_that_cannot_be_kept_fails_alone(stores: Stores, home: Home) -> None:
    runs = [await _claimed(stores, home) for _ in range(5)]
    texts = ["a", "b", "\ud800 is half a character", "d", "e"]
    outcomes = await asyncio.gather(
        *(_append(stores, one, TokenBatch(text=t)) for one, t in zip(runs, texts, strict=True)),
        return_exceptions=True,
    )
    assert [outcome for n, outcome in enumerate(outcomes) if n != 2] == [[2]] * 4
    assert isinstance(outcomes[2], asyncpg.DataError)
    assert await _append(stores, runs[2], TokenBatch(text="whole")) == [2]


async def test_a_run_whose_row_is_held_by_somebody_else_holds_up_nobody(
    stores: Stores, pool: Pool, home: Home
) -> None:
    runs = [await _claimed(stores, home) for _ in range(4)]
    held = "select from obelisk.runs where space_id = $1 and run_id = $2 for update"
    async with pool.in_space(home.space) as connection:
        await connection.execute(held, home.space, runs[1].run_id)
        tasks = [asyncio.ensure_future(_append(stores, one, TokenBatch(text="a"))) for one in runs]
        async with asyncio.timeout(5):
            for n in (0, 2, 3):
                assert await tasks[n] == [2]
            assert await _append(stores, runs[0], TokenBatch(text="b")) == [3]
        assert not tasks[1].done()
    async with asyncio.timeout(5):
        assert await tasks[1] == [2]


async def test_the_answers_of_a_group_go_to_their_own_conversations(
    stores: Stores, home: Home, away: Home
) -> None:
    homes = [home, away, home, away]
    threads = [await _thread(stores, where) for where in homes]
    runs = [await _claimed(stores, *pair) for pair in zip(homes, threads, strict=True)]
    plain = await _claimed(stores, home)
    await asyncio.gather(
        _append(stores, plain, Drafted(text="of no conversation"), COMPLETED),
        *(
            _append(stores, one, Drafted(text=f"answer {n}"), COMPLETED)
            for n, one in enumerate(runs)
        ),
    )
    for n, (where, thread) in enumerate(zip(homes, threads, strict=True)):
        page = await stores.conversations.messages(where.space, thread, PageRequest())
        assert [message.content for message in page.items] == ["What do we sell?", f"answer {n}"]
    assert (await stores.runs.get(home.space, plain.run_id)).state is RunState.ENDED


async def test_a_conversation_deleted_while_its_answers_are_appended_deadlocks_nobody(
    stores: Stores, home: Home
) -> None:
    for _ in range(8):
        thread = await _thread(stores, home)
        runs = [await _claimed(stores, home, thread) for _ in range(6)]
        work = [
            *(_append(stores, one, Drafted(text="Boats."), COMPLETED) for one in runs),
            stores.conversations.delete(home.space, thread),
        ]
        async with asyncio.timeout(20):
            assert (await asyncio.gather(*work))[:6] == [[2, 3]] * 6
        with pytest.raises(ConversationNotFound):
            await stores.conversations.messages(home.space, thread, PageRequest())


async def test_deletion_that_came_first_is_waited_for_and_leaves_the_run_without_conversation(
    stores: Stores, pool: Pool, home: Home
) -> None:
    thread = await _thread(stores, home)
    runs = [await _claimed(stores, home, thread) for _ in range(2)]
    delete = "delete from obelisk.conversations where space_id = $1 and conversation_id = $2"
    async with pool.in_space(home.space) as connection:
        await connection.execute(
            "select from obelisk.conversations where space_id = $1 and conversation_id = $2"
            " for update",
            home.space,
            thread,
        )
        tasks = [
            asyncio.ensure_future(_append(stores, one, Drafted(text="Boats."), COMPLETED))
            for one in runs
        ]
        await asyncio.sleep(0.1)
        # Nobody holds a run while waiting for the conversation, or this would be a deadlock.
        await connection.execute(delete, home.space, thread)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*tasks) == [[2, 3], [2, 3]]
    assert (await stores.runs.get(home.space, runs[0].run_id)).question.conversation_id is None


async def test_two_processes_that_append_to_the_same_spaces_never_deadlock(
    stores: Stores, pool: Pool, home: Home, away: Home
) -> None:
    other = postgres_stores(pool)
    random = Random(7)
    runs = [await _claimed(stores, (home, away)[n % 2]) for n in range(12)]

    async def write(through: Stores, one: Run) -> None:
        for n in range(10):
            await _append(through, one, *([TokenBatch(text="a")] * (1 + n % 3)))
            await asyncio.sleep(random.random() / 500)

    async with asyncio.timeout(30):
        await asyncio.gather(*(write(where, one) for one in runs for where in (stores, other)))
    for one in runs:
        assert await _sequences(stores, one) == list(range(1, 2 + 2 * 19))


async def test_a_group_cannot_write_into_a_space_by_naming_another(
    stores: Stores, pool: Pool, home: Home, away: Home
) -> None:
    mine, theirs = await _claimed(stores, home), await _claimed(stores, away)
    kinds = [TokenBatch(text="a")]
    group = [
        append_of(home.space, mine.run_id, 1, kinds, new_id),
        append_of(home.space, theirs.run_id, 1, kinds, new_id),
    ]
    async with pool.connection() as connection:
        rows = await connection.fetch(_APPEND, *arguments(group))
    assert [(row["run_id"], row["first_sequence"]) for row in rows] == [(mine.run_id, 2)]
    assert await _sequences(stores, theirs) == [1]


async def test_the_space_of_a_group_is_forgotten_with_its_transaction(
    stores: Stores, pool: Pool, home: Home
) -> None:
    one = await _claimed(stores, home)
    await _append(stores, one, TokenBatch(text="a"))
    async with pool.connection() as connection:
        assert await connection.fetchval("select count(*) from obelisk.run_events") == 0


async def test_events_never_span_two_commits(stores: Stores, home: Home) -> None:
    runs = [await _claimed(stores, home) for _ in range(20)]
    texts: list[EventKind] = [TokenBatch(text=str(n)) for n in range(50)]
    writing = asyncio.gather(*(_append(stores, one, *texts) for one in runs))
    seen = set()
    while not writing.done():
        seen |= {len(await _sequences(stores, one)) for one in runs[:3]}
    await writing
    assert seen | {len(await _sequences(stores, one)) for one in runs} <= {1, 51}


async def test_a_connection_that_dies_leaves_the_group_in_doubt_and_the_next_one_works(
    stores: Stores, pool: Pool, home: Home, shared_database: SharedDatabase
) -> None:
    runs = [await _claimed(stores, home) for _ in range(3)]
    hang = "select from obelisk.runs where space_id = $1 and run_id = $2 for update"
    kill = "select pg_terminate_backend(pid) from pg_stat_activity where query like '%append_many%'"
    async with pool.in_space(home.space) as connection:
        await connection.execute(hang, home.space, runs[0].run_id)
        waiting = asyncio.ensure_future(_append(stores, runs[0], TokenBatch(text="a")))
        await asyncio.sleep(0.1)
        await shared_database.superuser.fetch(
            f"{kill} and state = 'active' and pid <> pg_backend_pid()"
        )
        with pytest.raises(DatabaseUnavailable):
            await waiting
    placed = await asyncio.gather(*(_append(stores, one, TokenBatch(text="a")) for one in runs))
    assert placed == [[2]] * 3


@pytest.mark.parametrize("seed", range(4))
async def test_however_writers_takeovers_and_cancellations_interleave_no_run_has_a_gap(
    pool: Pool, stores: Stores, home: Home, away: Home, seed: int
) -> None:
    random = Random(seed)
    logs = [PostgresEventLog(pool, SystemEntropy(), lanes=1 + n) for n in range(2)]
    runs = [await _claimed(stores, random.choice((home, away))) for _ in range(10)]

    async def write(one: Run) -> None:
        fence = one.fence
        for _ in range(12):
            log = random.choice(logs)
            kinds = [TokenBatch(text="a")] * random.randint(1, 4)
            if random.random() < 0.15:
                fence = (await stores.runs.claim(one.space_id, one.run_id)).fence
            stale = random.random() < 0.1
            task = asyncio.ensure_future(log.append(one.space_id, one.run_id, fence - stale, kinds))
            await asyncio.sleep(random.choice((0, 0, 0.001)))
            if random.random() < 0.1:
                task.cancel()
            outcome = (await asyncio.gather(task, return_exceptions=True))[0]
            assert isinstance(outcome, FenceLost) or not stale or task.cancelled()
        await logs[0].append(one.space_id, one.run_id, fence, [COMPLETED])

    async with asyncio.timeout(30):
        await asyncio.gather(*(write(one) for one in runs))
    for one in runs:
        events = await stores.log.read(one.space_id, one.run_id, 0, 9999)
        ended = await stores.runs.get(one.space_id, one.run_id)
        assert [event.sequence for event in events] == list(range(1, ended.last_sequence + 1))
        assert events[-1].is_last
