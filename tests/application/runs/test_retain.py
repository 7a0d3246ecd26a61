"""RetainEvents: what is past is forgotten, and told plainly to whoever asks for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.clock import FixedClock
from application.runs.retain import RetainEvents
from domain.identifiers import RunId
from domain.runs.event import RunCompleted, TokenBatch
from domain.runs.retention import EventsExpired, RetentionPolicy
from domain.runs.run import Run, TerminationReason
from fixtures.house import House
from fixtures.making import id_of
from fixtures.making import run as a_run

COMPLETE = RunCompleted(reason=TerminationReason.COMPLETE)


def _retain(house: House, clock: FixedClock) -> RetainEvents:
    return RetainEvents(
        retention=house.stores.retention, policy=RetentionPolicy(days=30), clock=clock
    )


async def _ended(house: House, clock: FixedClock) -> Run:
    made = replace(a_run(house.home), run_id=RunId(id_of(clock.now())))
    await house.stores.runs.create(made, None)
    await house.stores.runs.claim(made.space_id, made.run_id)
    await house.stores.log.append(
        made.space_id, made.run_id, 1, [TokenBatch(text="Boats."), COMPLETE]
    )
    return made


async def _watched(house: House, run: Run, after: int) -> list[int]:
    return [event.sequence async for event in house.watched(run, after)]


async def test_a_run_within_its_time_is_replayed_and_one_past_it_is_said_to_be_gone(
    house: House,
) -> None:
    clock = FixedClock()
    retain, run = _retain(house, clock), await _ended(house, clock)
    clock.advance(timedelta(days=30).total_seconds())
    await retain()
    assert await _watched(house, run, 0) == [1, 2, 3]
    clock.advance(timedelta(days=7).total_seconds())
    await retain()
    for after in (0, 1, 2):
        with pytest.raises(EventsExpired):
            await _watched(house, run, after)


async def test_at_its_end_there_is_nothing_to_miss(house: House) -> None:
    clock = FixedClock()
    run = await _ended(house, clock)
    clock.advance(timedelta(days=60).total_seconds())
    await _retain(house, clock)()
    assert await _watched(house, run, 3) == []
    assert (await house.stores.runs.get(run.space_id, run.run_id)).last_sequence == 3


async def test_a_watcher_in_the_middle_is_told_when_the_rest_goes(house: House) -> None:
    clock = FixedClock()
    made = replace(a_run(house.home), run_id=RunId(id_of(clock.now())))
    await house.stores.runs.create(made, None)
    await house.stores.runs.claim(made.space_id, made.run_id)
    tokens = [TokenBatch(text=str(n)) for n in range(700)]
    await house.stores.log.append(made.space_id, made.run_id, 1, tokens)
    events = house.watched(made)
    seen = [(await anext(events)).sequence]

    async def see_the_rest() -> None:
        async for event in events:
            seen.append(event.sequence)

    clock.advance(timedelta(days=60).total_seconds())
    await _retain(house, clock)()
    with pytest.raises(EventsExpired):
        await see_the_rest()
    assert seen == list(range(1, 101))
