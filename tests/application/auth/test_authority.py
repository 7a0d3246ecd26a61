"""AuthorityWatch: what a process knows, how old it may be, and what a change waits for."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest

from adapters.local.clock import SystemClock
from adapters.memory.authority_feed import MemoryAuthorityFeed
from adapters.memory.clock import FixedClock
from adapters.memory.people import MemoryPeople
from adapters.memory.tenants import MemoryTenants
from application.auth.authority import AuthorityUnknown, AuthorityWatch
from application.ports.authority_feed import AuthorityFeed, AuthorityNews
from domain.auth.revocation import AuthorityChange, Verdict, session_revoked
from domain.errors import Unavailable
from domain.identifiers import SessionId, UserId
from fixtures.house import claims_of
from fixtures.identity import Gate
from fixtures.making import NOON, new_id

CLAIMS = claims_of(UserId(new_id()))
NOW = datetime.now(UTC)


class SlowFeed:
    """Answers by what was there when it was asked, a while later."""

    def __init__(self, feed: AuthorityFeed, seconds: float) -> None:
        self._feed, self._seconds = feed, seconds

    async def read(self, after: int | None) -> AuthorityNews:
        news = await self._feed.read(after)
        await asyncio.sleep(self._seconds)
        return news

    async def tell(self, change: AuthorityChange) -> None:
        await self._feed.tell(change)


async def test_young_knowledge_is_not_asked_for_again(gate: Gate) -> None:
    before = gate.feed.reads
    for _ in range(100):
        await gate.authority.fresh()
    assert gate.feed.reads == before


async def test_old_knowledge_is_renewed_before_a_request_is_judged(gate: Gate) -> None:
    await gate.feed.tell(session_revoked(CLAIMS.session_id, NOON))
    assert gate.authority.verdict(CLAIMS) is Verdict.CURRENT
    await gate.later()
    await gate.authority.fresh()
    assert gate.authority.verdict(CLAIMS) is Verdict.REVOKED


async def test_requests_at_the_same_moment_share_one_look(gate: Gate) -> None:
    await gate.later()
    before = gate.feed.reads
    await asyncio.gather(*(gate.authority.fresh() for _ in range(50)))
    assert gate.feed.reads == before + 1


async def test_what_cannot_be_known_is_refused_until_it_can(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    await gate.later()
    gate.feed.away = True
    for _ in range(3):
        with pytest.raises(AuthorityUnknown):
            await gate.authority.fresh()
    gate.feed.away = False
    await gate.authority.fresh()
    assert gate.authority.age() == 0.0


async def test_a_look_that_failed_earlier_refuses_nobody_later(gate: Gate) -> None:
    await gate.later()
    gate.feed.away = True
    with pytest.raises(AuthorityUnknown):
        await gate.authority.fresh()
    gate.feed.away = False
    await asyncio.gather(*(gate.authority.fresh() for _ in range(5)))


async def test_a_feed_that_blinks_within_the_trust_is_not_noticed(gate: Gate) -> None:
    gate.feed.away = True
    gate.clock.advance(0.3)
    await gate.authority.fresh()


async def test_a_process_that_can_learn_nothing_does_not_start(gate: Gate) -> None:
    gate.feed.away = True
    watch = AuthorityWatch(feed=gate.feed, clock=gate.clock)
    with pytest.raises(Unavailable):
        await watch.start()
    await watch.close()


async def test_the_epoch_of_a_member_is_known(gate: Gate) -> None:
    known = gate.authority.epoch_of(gate.home.owner)
    assert known == await gate.stores.tenancy.epoch_of(gate.home.owner)
    assert known > 0


async def test_whoever_waits_for_news_is_woken_by_them_and_by_nothing_else(gate: Gate) -> None:
    seen = gate.authority.generation
    await gate.authority.changed(seen, 0.01)
    assert gate.authority.generation == seen
    waiting = asyncio.ensure_future(gate.authority.changed(seen, 60.0))
    await gate.feed.tell(session_revoked(CLAIMS.session_id, NOON))
    await gate.later()
    await gate.authority.fresh()
    await asyncio.wait_for(waiting, 10.0)
    assert gate.authority.generation != seen


async def test_after_the_settling_no_process_judges_by_what_was_before() -> None:
    feed = MemoryAuthorityFeed(MemoryTenants(MemoryPeople()), FixedClock())
    trust = 0.06
    others = [
        AuthorityWatch(
            feed=SlowFeed(feed, delay), clock=SystemClock(), poll_seconds=poll, trust_seconds=trust
        )
        for poll, delay in ((0.01, 0.0), (0.017, 0.02), (0.05, 0.04), (60.0, 0.0))
    ]
    for watch in others:
        await watch.start()
    try:
        for _ in range(12):
            session = SessionId(new_id())
            await feed.tell(session_revoked(session, NOW))
            await others[0].settle()
            token = claims_of(UserId(new_id()), session=session)
            for watch in others:
                await watch.fresh()
                assert watch.verdict(token) is Verdict.REVOKED
    finally:
        for watch in others:
            await watch.close()


async def test_a_process_keeps_up_although_nobody_asks() -> None:
    feed = MemoryAuthorityFeed(MemoryTenants(MemoryPeople()), FixedClock())
    watch = AuthorityWatch(feed=feed, clock=SystemClock(), poll_seconds=0.01)
    await watch.start()
    seen = watch.generation
    await feed.tell(session_revoked(CLAIMS.session_id, NOW))
    await watch.changed(seen, 1.0)
    assert watch.verdict(CLAIMS) is Verdict.REVOKED
    await watch.close()
    await watch.close()


async def test_changes_that_take_long_to_read_are_learned_in_the_end() -> None:
    clock = SystemClock()
    feed = SlowFeed(MemoryAuthorityFeed(MemoryTenants(MemoryPeople()), clock), 0.2)
    watch = AuthorityWatch(feed=feed, clock=clock, poll_seconds=0.01, read_seconds=0.06)
    await watch.start()
    try:
        generation = watch.generation
        await feed.tell(session_revoked(CLAIMS.session_id, clock.now()))
        await watch.changed(generation, 2.0)
        assert watch.verdict(CLAIMS) is Verdict.REVOKED
    finally:
        await watch.close()
