"""The way to Redis that forgets and delays: announcements alone, whole and as it was told."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio
from bench.chaos.announcements import AnnouncementProxy, Mood
from bench.chaos.resp import frames, is_message
from redis.asyncio import Redis

from adapters.redis.embedded import EmbeddedValkey

MESSAGE = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\na\r\nb\r\n"
PUSHED = b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n"
OTHERS = [b"+OK\r\n", b":3\r\n", b"$-1\r\n", b"$0\r\n\r\n", b"*0\r\n", b"%1\r\n+a\r\n:1\r\n"]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_frames_are_told_apart_however_they_arrive(size: int) -> None:
    sent, buffer, found = b"".join([MESSAGE, *OTHERS, PUSHED]), bytearray(), []
    for start in range(0, len(sent), size):
        buffer += sent[start : start + size]
        found += list(frames(buffer))
    assert found == [MESSAGE, *OTHERS, PUSHED]
    assert [is_message(frame) for frame in found] == [True, *[False] * len(OTHERS), True]


@pytest_asyncio.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[AnnouncementProxy]:
    with EmbeddedValkey(tmp_path / "valkey") as valkey:
        upstream = Path(valkey.url.removeprefix("unix://"))
        async with AnnouncementProxy(tmp_path / "p.sock", upstream, Random(1)) as proxy:
            yield proxy


async def _heard(proxy: AnnouncementProxy, count: int) -> list[bytes]:
    """What a subscriber hears of `count` announcements within a moment."""
    heard = []
    async with Redis.from_url(proxy.url) as client, client.pubsub() as pubsub:
        await pubsub.subscribe("c")
        assert (await pubsub.get_message(timeout=5.0))["type"] == "subscribe"
        for number in range(count):
            assert await client.publish("c", str(number)) == 1
        async with asyncio.timeout(5):
            while message := await pubsub.get_message(timeout=0.4):
                heard.append(message["data"])
    return heard


async def test_in_a_good_mood_everything_passes(proxy: AnnouncementProxy) -> None:
    assert await _heard(proxy, 20) == [str(number).encode() for number in range(20)]
    assert (proxy.dropped, proxy.delayed) == (0, 0)


async def test_announcements_are_forgotten_and_replies_are_not(proxy: AnnouncementProxy) -> None:
    proxy.mood = Mood(drop=1.0)
    assert await _heard(proxy, 20) == []
    assert proxy.dropped == 20


async def test_delayed_announcements_overtake_each_other(proxy: AnnouncementProxy) -> None:
    proxy.mood = Mood(delay=0.2)
    heard = await _heard(proxy, 20)
    assert sorted(heard) == sorted(str(number).encode() for number in range(20))
    assert heard != [str(number).encode() for number in range(20)]


async def test_when_redis_goes_its_clients_notice(tmp_path: Path) -> None:
    absent = tmp_path / "nobody.sock"
    async with AnnouncementProxy(tmp_path / "p.sock", absent, Random(1)) as proxy:
        reader, writer = await asyncio.open_unix_connection(proxy.url.removeprefix("unix://"))
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
