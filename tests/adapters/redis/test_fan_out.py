"""The Redis fan-out between processes, and through the ways in which a Redis goes away."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sized
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from adapters.redis.embedded import EmbeddedValkey
from adapters.redis.fan_out import RedisFanOut
from application.runs.subscription import BoundedSubscription
from domain.identifiers import RunId, SpaceId
from domain.runs.event import RunEvent, TokenBatch
from fixtures.making import NOON, new_id

SPACE, RUN = SpaceId(new_id()), RunId(new_id())
CHANNEL = f"obelisk:run-events:{SPACE}:{RUN}"
EVENT = RunEvent(sequence=2, create_time=NOON, kind=TokenBatch(text="Hello"))
SOON = 8.0


@pytest.fixture
def server() -> Iterator[EmbeddedValkey]:
    """A Valkey of the test's own, to be stopped, frozen and started again."""
    folder = Path(tempfile.mkdtemp(prefix="valkey-", dir="/tmp"))
    with EmbeddedValkey(folder) as started:
        yield started
    shutil.rmtree(folder)


@pytest_asyncio.fixture
async def ours(redis: Redis, valkey_url: str) -> AsyncIterator[RedisFanOut]:
    async with RedisFanOut(valkey_url) as fan_out:
        yield fan_out


@pytest_asyncio.fixture
async def theirs(redis: Redis, valkey_url: str) -> AsyncIterator[RedisFanOut]:
    """Another process's fan-out, as far as Redis can tell."""
    async with RedisFanOut(valkey_url) as fan_out:
        yield fan_out


async def _heard_again(subscription: BoundedSubscription, url: str) -> bool:
    """Whether another process's announcements come through within a bounded time."""
    with suppress(TimeoutError):
        async with RedisFanOut(url) as elsewhere, asyncio.timeout(SOON):
            while not await subscription.next(0.05):
                await elsewhere.publish(SPACE, RUN, [EVENT])
            return True
    return False


async def _pubsub_clients(redis: Redis) -> list[str]:
    clients = await redis.client_list(_type="pubsub")
    return [client["id"] for client in clients]


async def _watched_channels(redis: Redis, expected: int) -> int:
    """How many run channels there are, once they are as expected or the patience is used up."""
    return await _count(lambda: redis.pubsub_channels("obelisk:run-events:*"), expected)


async def _count(ask: Callable[[], Awaitable[Sized]], expected: int) -> int:
    deadline = time.monotonic() + SOON
    while True:
        found = len(await ask())
        if found == expected or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.01)


async def test_one_process_hears_another(ours: RedisFanOut, theirs: RedisFanOut) -> None:
    async with ours.subscribe(SPACE, RUN) as subscription:
        await theirs.publish(SPACE, RUN, [EVENT])
        assert await subscription.next(SOON) == (EVENT,)


async def test_a_thousand_watchers_share_one_connection(ours: RedisFanOut, redis: Redis) -> None:
    watches = [ours.subscribe(SPACE, RunId(new_id())) for _ in range(1000)]
    await asyncio.gather(*(watch.__aenter__() for watch in watches))
    assert len(await _pubsub_clients(redis)) == 1
    assert await _watched_channels(redis, 1000) == 1000
    await asyncio.gather(*(watch.__aexit__(None, None, None) for watch in watches))
    assert await _watched_channels(redis, 0) == 0


async def test_nothing_is_left_behind_when_it_closes(redis: Redis, valkey_url: str) -> None:
    fan_out = RedisFanOut(valkey_url)
    await fan_out.start()
    async with fan_out.subscribe(SPACE, RUN):
        await fan_out.publish(SPACE, RUN, [EVENT])
    await fan_out.close()
    await fan_out.close()
    assert await _count(redis.client_list, 1) == 1
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "redis-fan-out"]


async def test_what_cannot_be_read_is_passed_over(ours: RedisFanOut, redis: Redis) -> None:
    async with ours.subscribe(SPACE, RUN) as subscription:
        for data in (b"", b"{}", b"[1,2]", b"\xff", b'[1,"now","token_batch","{}"]', b"[" * 9999):
            await redis.publish(CHANNEL, data)
            await redis.publish(CHANNEL, b"another\n" + data)
        unknown_kind = b'[1,"2026-01-01T00:00:00+00:00","of_a_newer_version","{}"]'
        await redis.publish(CHANNEL, b"another\n" + unknown_kind)
        await ours.publish(SPACE, RUN, [EVENT])
        assert await subscription.next(SOON) == (EVENT,)


async def test_a_connection_that_is_cut_is_made_again(
    ours: RedisFanOut, redis: Redis, valkey_url: str
) -> None:
    async with ours.subscribe(SPACE, RUN) as subscription:
        before = await _pubsub_clients(redis)
        await redis.client_kill_filter(_type="pubsub")
        assert await _heard_again(subscription, valkey_url)
        assert not {*before} & {*await _pubsub_clients(redis)}


async def test_a_quiet_link_is_left_in_peace(redis: Redis, valkey_url: str) -> None:
    async with (
        RedisFanOut(valkey_url, silence_seconds=0.05) as fan_out,
        fan_out.subscribe(SPACE, RUN) as subscription,
    ):
        before = await _pubsub_clients(redis)
        # Longer than the socket's own timeout, which is for answers.
        assert await subscription.next(0.8) == ()
        assert await _pubsub_clients(redis) == before
        await fan_out.publish(SPACE, RUN, [EVENT])
        assert await subscription.next(SOON) == (EVENT,)


async def test_a_redis_that_restarts_costs_announcements_only(server: EmbeddedValkey) -> None:
    async with (
        RedisFanOut(server.url) as fan_out,
        fan_out.subscribe(SPACE, RUN) as subscription,
    ):
        await fan_out.publish(SPACE, RUN, [EVENT])
        assert await subscription.next(SOON) == (EVENT,)
        server.stop()
        await fan_out.publish(SPACE, RUN, [EVENT])
        assert await subscription.next(SOON) == (EVENT,), "who is here hears all the same"
        async with fan_out.subscribe(SPACE, RunId(new_id())):
            server.start()
            assert await _heard_again(subscription, server.url)


async def test_who_may_have_missed_something_is_told_so_at_once(server: EmbeddedValkey) -> None:
    async with (
        RedisFanOut(server.url) as fan_out,
        fan_out.subscribe(SPACE, RUN) as subscription,
    ):
        server.stop()
        listening = asyncio.ensure_future(subscription.next(60))
        await asyncio.sleep(0.1)
        assert not listening.done()
        server.start()
        async with asyncio.timeout(SOON):
            assert await listening == ()
        assert await subscription.next(0.1) == ()
        begin = time.monotonic()
        assert await subscription.next(0.2) == (), "and only once"
        assert time.monotonic() - begin > 0.15


async def test_nothing_is_doubted_on_the_first_way_in(ours: RedisFanOut) -> None:
    async with ours.subscribe(SPACE, RUN) as subscription:
        begin = time.monotonic()
        assert await subscription.next(0.2) == ()
        assert time.monotonic() - begin > 0.15


async def test_its_own_announcements_are_heard_once(ours: RedisFanOut, theirs: RedisFanOut) -> None:
    async with ours.subscribe(SPACE, RUN) as here, theirs.subscribe(SPACE, RUN) as there:
        await ours.publish(SPACE, RUN, [EVENT])
        assert await there.next(SOON) == (EVENT,)
        assert await here.next(SOON) == (EVENT,)
        assert await here.next(0.1) == ()


async def test_a_watcher_that_came_while_redis_was_away_hears_later(
    server: EmbeddedValkey,
) -> None:
    url = server.url
    server.stop()
    begin = time.monotonic()
    async with RedisFanOut(url) as fan_out, fan_out.subscribe(SPACE, RUN) as subscription:
        assert time.monotonic() - begin < 4.0
        server.start()
        assert await _heard_again(subscription, url)


async def test_without_redis_watching_and_publishing_cost_no_time(server: EmbeddedValkey) -> None:
    async with RedisFanOut(server.url) as fan_out:
        server.stop()
        await fan_out.publish(SPACE, RUN, [EVENT])
        begin = time.monotonic()
        for _ in range(50):
            async with fan_out.subscribe(SPACE, RUN):
                await fan_out.publish(SPACE, RUN, [EVENT])
        assert time.monotonic() - begin < 1.0


async def test_a_redis_that_hangs_delays_no_writer(
    server: EmbeddedValkey,
) -> None:
    async with (
        RedisFanOut(server.url, silence_seconds=0.2) as fan_out,
        fan_out.subscribe(SPACE, RUN) as subscription,
    ):
        os.kill(server.pid, signal.SIGSTOP)
        try:
            begin = time.monotonic()
            for _ in range(5_000):
                await fan_out.publish(SPACE, RUN, [EVENT])
            assert time.monotonic() - begin < 0.5
            assert await subscription.next(SOON)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        assert await _heard_again(subscription, server.url)


async def test_a_watcher_waits_until_the_server_listens_for_it(server: EmbeddedValkey) -> None:
    entered = asyncio.Event()

    async def watch(fan_out: RedisFanOut) -> tuple[RunEvent, ...]:
        async with fan_out.subscribe(SPACE, RUN) as subscription:
            entered.set()
            return await subscription.next(SOON)

    async with RedisFanOut(server.url) as fan_out:
        os.kill(server.pid, signal.SIGSTOP)
        try:
            watching = asyncio.ensure_future(watch(fan_out))
            await asyncio.sleep(0.1)
            assert not entered.is_set()
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await entered.wait()
        await fan_out.publish(SPACE, RUN, [EVENT])
        assert await watching == (EVENT,)


async def test_a_cancelled_watcher_leaves_its_channel(ours: RedisFanOut, redis: Redis) -> None:
    entered = asyncio.Event()

    async def watch() -> None:
        async with ours.subscribe(SPACE, RUN) as subscription:
            entered.set()
            await subscription.next(60)

    watching = asyncio.ensure_future(watch())
    await entered.wait()
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert await _watched_channels(redis, 0) == 0
    async with ours.subscribe(SPACE, RUN) as subscription:
        await ours.publish(SPACE, RUN, [EVENT])
        assert await subscription.next(SOON) == (EVENT,)
