"""The contract of `FanOut`, on every adapter."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from adapters.local.fan_out import InProcessFanOut
from adapters.redis.fan_out import RedisFanOut
from application.ports.fan_out import FanOut, Subscription
from domain.identifiers import RunId, SpaceId
from domain.runs.event import EventKind, RunEvent, TokenBatch
from fixtures.events import one_of_each
from fixtures.making import NOON, new_id

SPACE, RUN = SpaceId(new_id()), RunId(new_id())
SOON = 5.0


@pytest.fixture
def redis_url(redis: Redis, valkey_url: str) -> str:
    return valkey_url


@pytest_asyncio.fixture
async def redis_fan_out(redis_url: str) -> AsyncIterator[RedisFanOut]:
    async with RedisFanOut(redis_url) as fan_out:
        yield fan_out


@dataclass(frozen=True, slots=True, kw_only=True)
class BetweenProcesses:
    """What one process announces, heard in another."""

    here: RedisFanOut
    there: RedisFanOut

    async def publish(self, space: SpaceId, run: RunId, events: Sequence[RunEvent]) -> None:
        await self.there.publish(space, run, events)

    def subscribe(self, space: SpaceId, run: RunId) -> AbstractAsyncContextManager[Subscription]:
        return self.here.subscribe(space, run)


@pytest_asyncio.fixture
async def between_processes(
    redis_fan_out: RedisFanOut, redis_url: str
) -> AsyncIterator[BetweenProcesses]:
    async with RedisFanOut(redis_url) as there:
        yield BetweenProcesses(here=redis_fan_out, there=there)


@pytest.fixture(params=["in process", "redis", "redis between processes"])
def fan_out(request: pytest.FixtureRequest) -> FanOut:
    if request.param == "in process":
        return InProcessFanOut()
    name = "redis_fan_out" if request.param == "redis" else "between_processes"
    made: FanOut = request.getfixturevalue(name)
    return made


def _events(*kinds: EventKind, first: int = 1) -> tuple[RunEvent, ...]:
    return tuple(
        RunEvent(sequence=n, create_time=NOON, kind=kind)
        for n, kind in enumerate(kinds, start=first)
    )


def _token(sequence: int) -> RunEvent:
    return RunEvent(sequence=sequence, create_time=NOON, kind=TokenBatch(text=f"t{sequence}"))


async def _heard(subscription: Subscription, count: int) -> list[RunEvent]:
    """The next `count` events at least; fails when they do not come soon."""
    heard: list[RunEvent] = []
    while len(heard) < count:
        batch = await subscription.next(SOON)
        assert batch, f"{len(heard)} of {count} events were announced"
        heard.extend(batch)
    return heard


async def test_what_is_published_is_announced_as_it_is(fan_out: FanOut) -> None:
    events = _events(*one_of_each())
    async with fan_out.subscribe(SPACE, RUN) as subscription:
        await fan_out.publish(SPACE, RUN, events)
        assert await _heard(subscription, len(events)) == list(events)


async def test_announcements_come_oldest_first(fan_out: FanOut) -> None:
    async with fan_out.subscribe(SPACE, RUN) as subscription:
        for n in range(1, 31):
            await fan_out.publish(SPACE, RUN, [_token(n)])
        heard = await _heard(subscription, 30)
    assert [event.sequence for event in heard] == list(range(1, 31))


async def test_waiting_ends_when_something_is_published(fan_out: FanOut) -> None:
    async with fan_out.subscribe(SPACE, RUN) as subscription:
        waiting = asyncio.ensure_future(subscription.next(SOON))
        await asyncio.sleep(0.01)
        await fan_out.publish(SPACE, RUN, [_token(1)])
        assert await waiting == (_token(1),)


async def test_after_the_timeout_there_is_nothing(fan_out: FanOut) -> None:
    loop = asyncio.get_running_loop()
    async with fan_out.subscribe(SPACE, RUN) as subscription:
        begin = loop.time()
        assert await subscription.next(0.03) == ()
        assert 0.02 < loop.time() - begin < 2.0
        await fan_out.publish(SPACE, RUN, [_token(1)])
        assert await subscription.next(SOON) == (_token(1),)
        assert await subscription.next(0.01) == ()


async def test_every_watcher_of_a_run_hears_it(fan_out: FanOut) -> None:
    async with (
        fan_out.subscribe(SPACE, RUN) as first,
        fan_out.subscribe(SPACE, RUN) as second,
    ):
        await fan_out.publish(SPACE, RUN, [_token(1)])
        assert await _heard(first, 1) == await _heard(second, 1) == [_token(1)]


async def test_another_run_and_another_space_are_not_heard(fan_out: FanOut) -> None:
    async with fan_out.subscribe(SPACE, RUN) as subscription:
        await fan_out.publish(SPACE, RunId(new_id()), [_token(7)])
        await fan_out.publish(SpaceId(new_id()), RUN, [_token(8)])
        await fan_out.publish(SPACE, RUN, [_token(1)])
        assert await _heard(subscription, 1) == [_token(1)]
        assert await subscription.next(0.02) == ()


async def test_one_watcher_leaving_takes_nothing_from_the_others(fan_out: FanOut) -> None:
    async with fan_out.subscribe(SPACE, RUN) as stays:
        async with fan_out.subscribe(SPACE, RUN):
            pass
        await fan_out.publish(SPACE, RUN, [_token(1)])
        assert await _heard(stays, 1) == [_token(1)]


async def test_a_watcher_can_come_again(fan_out: FanOut) -> None:
    for n in range(1, 6):
        async with fan_out.subscribe(SPACE, RUN) as subscription:
            await fan_out.publish(SPACE, RUN, [_token(n)])
            assert await _heard(subscription, 1) == [_token(n)]


async def test_watchers_coming_and_going_at_once_all_hear(fan_out: FanOut) -> None:
    runs = [RunId(new_id()) for _ in range(4)]

    async def watch(number: int) -> bool:
        run = runs[number % len(runs)]
        async with fan_out.subscribe(SPACE, run) as subscription:
            await fan_out.publish(SPACE, run, [_token(number + 1)])
            heard: list[RunEvent] = []
            while _token(number + 1) not in heard:
                heard.extend(await _heard(subscription, 1))
            return True

    assert all(await asyncio.gather(*(watch(n) for n in range(60))))


async def test_what_nobody_hears_is_published_without_trouble(fan_out: FanOut) -> None:
    await fan_out.publish(SPACE, RUN, [_token(1)])
    async with fan_out.subscribe(SPACE, RUN) as subscription:
        await fan_out.publish(SPACE, RUN, [])
        await fan_out.publish(SPACE, RUN, [_token(2)])
        heard: list[RunEvent] = []
        while _token(2) not in heard:
            heard.extend(await _heard(subscription, 1))


async def test_a_slow_watcher_forgets_the_oldest_and_holds_up_nobody(fan_out: FanOut) -> None:
    async with fan_out.subscribe(SPACE, RUN) as slow, fan_out.subscribe(SPACE, RUN) as quick:
        heard: list[RunEvent] = []
        for start in range(1, 5001, 100):
            await fan_out.publish(SPACE, RUN, [_token(n) for n in range(start, start + 100)])
            while not heard or heard[-1].sequence < start + 99:
                heard.extend(await _heard(quick, 1))
        assert [event.sequence for event in heard] == list(range(1, 5001))
        late = await slow.next(SOON)
    assert len(late) < 2500
    assert [event.sequence for event in late] == list(range(5001 - len(late), 5001))
