"""The contract of `EventRetention`, on every adapter."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from domain.identifiers import RunId
from domain.runs.event import TokenBatch
from domain.runs.retention import KeptWeeks, RetentionPolicy
from domain.runs.run import Run
from fixtures.making import Home, id_of, run
from fixtures.stores import Stores

WEEK = timedelta(weeks=1)


@pytest.fixture
def this_week() -> date:
    return RetentionPolicy(days=1).weeks_at(datetime.now(UTC)).current


def _weeks(oldest: date, current: date) -> KeptWeeks:
    return KeptWeeks(oldest=oldest, current=current, newest=current + WEEK)


async def _run_of(stores: Stores, home: Home, day: date) -> Run:
    """A claimed run that began at noon of the given day, with two events."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    made = replace(run(home), run_id=RunId(id_of(noon)), create_time=noon)
    await stores.runs.create(made, None)
    claimed = await stores.runs.claim(home.space, made.run_id)
    await stores.log.append(home.space, made.run_id, 1, [TokenBatch(text="a")])
    return claimed


async def _sequences(stores: Stores, one: Run) -> list[int]:
    return [event.sequence for event in await stores.log.read(one.space_id, one.run_id, 0, 100)]


async def test_the_events_of_weeks_that_are_past_are_forgotten_and_the_others_kept(
    stores: Stores, home: Home, away: Home, this_week: date
) -> None:
    mondays = [this_week - n * WEEK for n in (4, 3, 2, 0)]
    for monday in mondays:
        await stores.retention.keep(_weeks(mondays[0], monday))
    sunday = timedelta(days=6)
    past = [await _run_of(stores, home, mondays[0]), await _run_of(stores, away, mondays[1])]
    past.append(await _run_of(stores, home, mondays[1] + sunday))
    kept = [await _run_of(stores, home, mondays[2]), await _run_of(stores, away, mondays[3])]
    assert await stores.retention.keep(_weeks(mondays[2], this_week))
    assert [await _sequences(stores, one) for one in past] == [[], [], []]
    assert [await _sequences(stores, one) for one in kept] == [[1, 2], [1, 2]]


async def test_a_run_stays_when_its_events_are_forgotten_and_is_numbered_on(
    stores: Stores, home: Home, this_week: date
) -> None:
    monday = this_week - 3 * WEEK
    await stores.retention.keep(_weeks(monday, monday))
    one = await _run_of(stores, home, monday)
    await stores.retention.keep(_weeks(this_week, this_week))
    assert (await stores.runs.get(home.space, one.run_id)).last_sequence == 2
    more = await stores.log.append(home.space, one.run_id, 1, [TokenBatch(text="b")])
    assert [event.sequence for event in more] == [3]
    assert await stores.log.read(home.space, one.run_id, 0, 100) == more


async def test_forgetting_again_or_many_times_at_once_forgets_once(
    stores: Stores, home: Home, this_week: date
) -> None:
    monday = this_week - 3 * WEEK
    await stores.retention.keep(_weeks(monday, monday))
    await _run_of(stores, home, monday)
    weeks = _weeks(this_week - WEEK, this_week)
    forgotten = await asyncio.gather(*(stores.retention.keep(weeks) for _ in range(6)))
    assert forgotten.count(True) == 1
    assert not await stores.retention.keep(weeks)


async def test_a_young_run_whose_id_tells_no_time_keeps_its_events(
    stores: Stores, home: Home, this_week: date
) -> None:
    timeless = replace(run(home), run_id=RunId(uuid4()), create_time=datetime.now(UTC))
    await stores.runs.create(timeless, None)
    await stores.retention.keep(_weeks(this_week, this_week))
    assert await _sequences(stores, timeless) == [1]
