"""Weeks of events as partitions: made ahead, dropped whole, closed to everybody."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from adapters.postgres.event_retention import EventLogBusy
from adapters.postgres.migrate import migrations
from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.identifiers import RunId
from domain.runs.event import TokenBatch
from domain.runs.retention import KeptWeeks, RetentionPolicy
from domain.runs.run import Run
from fixtures.making import Home, id_of, new_home, new_id, run
from fixtures.postgres import Database, PostgresServer
from fixtures.stores import Stores, postgres_stores

WEEK = timedelta(weeks=1)
_PARTITIONS = """
select c.relname::text as name, c.relrowsecurity and c.relforcerowsecurity as closed,
       exists (select from aclexplode(c.relacl) a where a.grantee <> c.relowner) as granted
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'obelisk.run_events'::regclass order by c.relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A database of the test's own; `week` is the one in which it runs."""

    pool: Pool
    superuser: "asyncpg.Connection[asyncpg.Record]"
    stores: Stores
    home: Home
    week: date

    async def keep(self, oldest: date, current: date, ahead: int = 0) -> bool:
        weeks = KeptWeeks(oldest=oldest, current=current, newest=current + ahead * WEEK)
        return await self.stores.retention.keep(weeks)

    async def partitions(self) -> list[str]:
        return [row["name"] for row in await self.superuser.fetch(_PARTITIONS)]

    async def begun(self, day: date) -> Run:
        """A claimed run that began on `day`."""
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        return await self.claimed(replace(run(self.home), run_id=RunId(id_of(noon))))

    async def claimed(self, made: Run) -> Run:
        await self.stores.runs.create(replace(made, create_time=datetime.now(UTC)), None)
        return await self.stores.runs.claim(made.space_id, made.run_id)

    async def append(self, one: Run) -> int:
        kinds = [TokenBatch(text="a")]
        return (await self.stores.log.append(one.space_id, one.run_id, 1, kinds))[0].sequence

    async def place_of(self, one: Run) -> str:
        found = await self.superuser.fetch(
            "select distinct tableoid::regclass::text from obelisk.run_events where run_id = $1",
            one.run_id,
        )
        assert len(found) == 1
        return str(found[0][0]).removeprefix("obelisk.")


@pytest_asyncio.fixture
async def lab(fresh_database: Database) -> AsyncIterator[Lab]:
    pool = await Pool.open(fresh_database.dsn)
    superuser = await asyncpg.connect(fresh_database.superuser_dsn)
    stores = postgres_stores(pool)
    week = RetentionPolicy(days=1).weeks_at(datetime.now(UTC)).current
    home = await new_home(stores.tenancy)
    yield Lab(pool=pool, superuser=superuser, stores=stores, home=home, week=week)
    await superuser.close()
    await pool.close()


def _name(monday: date) -> str:
    return f"run_events_{monday:%Y%m%d}"


async def test_a_new_database_has_room_for_this_week_and_four_more(lab: Lab) -> None:
    ahead = [_name(lab.week + n * WEEK) for n in range(5)]
    assert await lab.partitions() == [*ahead, "run_events_other"]


async def test_all_events_of_a_run_lie_in_the_week_in_which_it_began(lab: Lab) -> None:
    mondays = [lab.week + n * WEEK for n in range(3)]
    for monday in mondays:
        for day in (monday, monday + timedelta(days=6)):
            one = await lab.begun(day)
            assert await lab.append(one) == 2
            assert await lab.place_of(one) == _name(monday)


async def test_an_id_that_is_of_no_week_lies_with_the_others_and_works(lab: Lab) -> None:
    one = await lab.claimed(replace(run(lab.home), run_id=RunId(uuid4())))
    assert await lab.append(one) == 2
    assert await lab.place_of(one) == "run_events_other"


async def test_weeks_are_made_ahead_once(lab: Lab) -> None:
    await lab.keep(lab.week, lab.week, ahead=6)
    expected = [*(_name(lab.week + n * WEEK) for n in range(7)), "run_events_other"]
    assert await lab.partitions() == expected
    await lab.keep(lab.week, lab.week, ahead=6)
    assert await lab.partitions() == expected


async def test_what_came_before_its_week_was_made_moves_into_it(lab: Lab) -> None:
    past = lab.week - 5 * WEEK
    early, timeless = (
        await lab.begun(past),
        await lab.claimed(replace(run(lab.home), run_id=RunId(uuid4()))),
    )
    await lab.append(early)
    assert await lab.place_of(early) == "run_events_other"
    await lab.keep(past, past)
    assert await lab.place_of(early) == _name(past)
    assert await lab.place_of(timeless) == "run_events_other"
    assert await lab.append(early) == 3
    assert len(await lab.stores.log.read(lab.home.space, early.run_id, 0, 9)) == 3


async def test_weeks_that_are_past_are_dropped_and_no_others(lab: Lab) -> None:
    past = [lab.week - n * WEEK for n in (9, 8, 7)]
    for monday in past:
        await lab.keep(past[0], monday)
    assert await lab.keep(past[1], lab.week)
    assert set(map(_name, past)) & set(await lab.partitions()) == {_name(past[1]), _name(past[2])}


async def test_what_lies_with_the_others_goes_by_its_own_age(lab: Lab) -> None:
    old = replace(run(lab.home), run_id=RunId(uuid4()))
    long_ago = datetime.now(UTC) - timedelta(days=60)
    await lab.stores.runs.create(replace(old, create_time=long_ago), None)
    young = await lab.claimed(replace(run(lab.home), run_id=RunId(uuid4())))
    await lab.keep(lab.week - WEEK, lab.week)
    assert await lab.stores.log.read(lab.home.space, old.run_id, 0, 9) == ()
    assert len(await lab.stores.log.read(lab.home.space, young.run_id, 0, 9)) == 1


async def test_processes_that_come_at_once_make_and_drop_each_week_once(lab: Lab) -> None:
    past = lab.week - 9 * WEEK
    await lab.keep(past, past)
    dropped = await asyncio.gather(*(lab.keep(lab.week, lab.week, ahead=8) for _ in range(8)))
    assert dropped.count(True) == 1
    ahead = [_name(lab.week + n * WEEK) for n in range(9)]
    assert await lab.partitions() == [*ahead, "run_events_other"]


async def test_dropping_does_not_touch_the_runs(lab: Lab) -> None:
    past = lab.week - 9 * WEEK
    await lab.keep(past, past)
    held = "update obelisk.runs set cancel_requested = true where space_id = $1"
    await lab.begun(lab.week)
    async with lab.pool.in_space(lab.home.space) as connection:
        # A writer in the middle of its transaction.
        await connection.execute(held, lab.home.space)
        assert await lab.keep(lab.week, lab.week)


async def test_writers_are_never_stalled_and_the_upkeep_is_told_to_come_again(lab: Lab) -> None:
    past = lab.week - 9 * WEEK
    await lab.keep(past, past)
    one = await lab.begun(lab.week)
    read = "select count(*) from obelisk.run_events where space_id = $1"
    async with lab.pool.in_space(lab.home.space) as connection:
        await connection.fetchval(read, lab.home.space)
        begun = time.monotonic()
        upkeep = asyncio.ensure_future(lab.keep(lab.week, lab.week, ahead=7))
        await asyncio.sleep(0.05)
        assert await lab.append(one) == 2
        assert time.monotonic() - begun < 1
        with pytest.raises(EventLogBusy):
            await upkeep
    assert _name(past) in await lab.partitions()
    assert await lab.keep(lab.week, lab.week)


@pytest.mark.parametrize(("oldest", "current", "ahead"), [(1, 1, 1), (0, 0, 11)])
async def test_a_clock_that_is_wrong_can_neither_drop_this_week_nor_make_a_hundred(
    lab: Lab, oldest: int, current: int, ahead: int
) -> None:
    before = await lab.partitions()
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await lab.keep(lab.week + oldest * WEEK, lab.week + current * WEEK, ahead)
    assert await lab.partitions() == before


async def test_partitions_are_closed_to_everybody_but_through_the_whole_log(lab: Lab) -> None:
    await lab.keep(lab.week - WEEK, lab.week - WEEK, ahead=8)
    rows = await lab.superuser.fetch(_PARTITIONS)
    assert len(rows) >= 10
    assert [row["name"] for row in rows if not row["closed"] or row["granted"]] == []
    one = await lab.begun(lab.week)
    async with lab.pool.in_space(one.space_id) as connection:
        for name in (_name(lab.week), "run_events_other"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.fetch(f"select * from obelisk.{name}")


async def test_a_run_takes_its_events_along_from_every_week(lab: Lab) -> None:
    await lab.keep(lab.week - WEEK, lab.week - WEEK)
    for day in (lab.week - WEEK, lab.week, lab.week - 30 * WEEK):
        await lab.append(await lab.begun(day))
    await lab.superuser.execute("delete from obelisk.spaces where space_id = $1", lab.home.space)
    assert await lab.superuser.fetchval("select count(*) from obelisk.run_events") == 0


async def test_a_log_from_before_is_moved_by_an_owner_who_is_no_superuser(
    postgres_server: PostgresServer,
) -> None:
    async with postgres_server.database("template0") as database:
        superuser = await asyncpg.connect(database.superuser_dsn)
        try:
            await _as_it_was(superuser, database)
            ids = [id_of(datetime(2026, 3, day, tzinfo=UTC)) for day in (3, 4, 20)] + [uuid4()]
            home = await _fill_as_it_was(superuser, ids)
            await superuser.execute("set role event_keeper")
            await superuser.execute(migrations()[4].sql)
            await superuser.execute("reset role")
            await _check_moved(superuser, home, ids)
        finally:
            await superuser.close()
            await _forget_keeper(postgres_server, database)


async def _as_it_was(superuser: "asyncpg.Connection[asyncpg.Record]", database: Database) -> None:
    """The schema before the log had partitions, owned by somebody without special rights."""
    await superuser.execute("create role event_keeper nologin")
    for role in ("app", "search", "system", "identity"):
        await superuser.execute(f"grant obelisk_{role} to event_keeper")
    await superuser.execute(f"alter database {database.name} owner to event_keeper")
    await superuser.execute("create extension vector; create extension btree_gin")
    await superuser.execute("set role event_keeper")
    await superuser.execute(statements("migrate")["prepare"])
    for migration in migrations()[:4]:
        await superuser.execute(migration.sql)
    await superuser.execute("reset role")


async def _fill_as_it_was(
    superuser: "asyncpg.Connection[asyncpg.Record]", ids: list[UUID]
) -> tuple[UUID, UUID]:
    organization, space = new_id(), new_id()
    await superuser.execute(
        "insert into obelisk.organizations (organization_id, display_name, create_time)"
        " values ($1, 'o', now())",
        organization,
    )
    await superuser.execute(
        "insert into obelisk.spaces (space_id, organization_id, display_name, create_time)"
        " values ($1, $2, 's', now())",
        space,
        organization,
    )
    for one in ids:
        await _add_run(superuser, space, one)
    return organization, space


async def _add_run(superuser: "asyncpg.Connection[asyncpg.Record]", space: UUID, one: UUID) -> None:
    await superuser.execute(
        "insert into obelisk.runs (space_id, run_id, user_id, agent, question, document_ids,"
        " fingerprint, state, last_sequence, create_time)"
        " values ($1, $2, $1, 'brand', 'q', '{}', 'f', 'running', 2, now())",
        space,
        one,
    )
    await superuser.execute(
        "insert into obelisk.run_events select $1, $2, n, 'token_batch', 1, '{\"text\":\"a\"}',"
        " now() from generate_series(1, 2) n",
        space,
        one,
    )


async def _check_moved(
    superuser: "asyncpg.Connection[asyncpg.Record]", home: tuple[UUID, UUID], ids: list[UUID]
) -> None:
    places = {
        row["run_id"]: (row["place"], row["count"])
        for row in await superuser.fetch(
            "select run_id, min(tableoid::regclass::text) as place, count(*) as count"
            " from obelisk.run_events group by run_id"
        )
    }
    names = ["20260302", "20260302", "20260316", "other"]
    assert places == {
        one: (f"obelisk.run_events_{name}", 2) for one, name in zip(ids, names, strict=True)
    }
    late = id_of(datetime(2026, 4, 7, tzinfo=UTC))
    await _add_run(superuser, home[1], late)
    await superuser.execute("set role obelisk_app")
    march, april = date(2026, 3, 9), date(2026, 4, 6)
    keep = "select * from obelisk.keep_event_weeks($1, $2, $2)"
    assert tuple(await superuser.fetchrow(keep, march, april) or ()) == (1, 1)
    await superuser.execute("reset role")
    late_events = "select count(*) from obelisk.run_events_20260406 where run_id = $1"
    assert await superuser.fetchval(late_events, late) == 2
    await superuser.execute("delete from obelisk.organizations where organization_id = $1", home[0])
    assert await superuser.fetchval("select count(*) from obelisk.run_events") == 0


async def _forget_keeper(server: PostgresServer, database: Database) -> None:
    connection = await asyncpg.connect(server.dsn("postgres", database.name))
    try:
        await connection.execute("drop owned by event_keeper cascade")
        await connection.execute(f"alter database {database.name} owner to postgres")
        await connection.execute("drop role event_keeper")
    finally:
        await connection.close()
