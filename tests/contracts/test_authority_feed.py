"""The contract of `AuthorityFeed`, on every adapter, and what only a database can get wrong."""

from datetime import UTC, datetime, timedelta

import asyncpg

from adapters.postgres.authority_feed import PostgresAuthorityFeed, tell
from adapters.postgres.pool import Pool
from application.ports.authority_feed import AuthorityFeed, AuthorityNews
from domain.auth.revocation import (
    AuthorityChange,
    ChangeKind,
    session_revoked,
    token_revoked,
    user_revoked,
)
from domain.identifiers import SessionId, SpaceId, UserId
from fixtures.making import Home, new_id, space
from fixtures.postgres import SharedDatabase
from fixtures.stores import Stores

NOW = datetime.now(UTC).replace(microsecond=123456)
LONG_AGO = NOW - timedelta(days=400)


def revoked() -> AuthorityChange:
    return session_revoked(SessionId(new_id()), NOW)


def of(news: AuthorityNews, *changes: AuthorityChange) -> set[str]:
    """Which of these changes the news brings."""
    wanted = {change.subject for change in changes}
    return {change.subject for change in news.changes} & wanted


async def test_a_change_comes_back_as_it_was_told(stores: Stores) -> None:
    told = [
        token_revoked(UserId(new_id()), "token-1", NOW),
        revoked(),
        user_revoked(UserId(new_id()), NOW),
    ]
    for change in told:
        await stores.feed.tell(change)
    found = (await stores.feed.read(None)).changes
    assert [change for change in found if change.kind is not ChangeKind.EPOCH] == told


async def test_what_was_told_after_the_mark_is_read(stores: Stores) -> None:
    first, second = revoked(), revoked()
    await stores.feed.tell(first)
    news = await stores.feed.read(None)
    assert of(news, first, second) == {first.subject}
    await stores.feed.tell(second)
    assert second.subject in of(await stores.feed.read(news.mark), first, second)


async def test_a_change_that_is_told_again_is_news_again(stores: Stores) -> None:
    change = revoked()
    await stores.feed.tell(change)
    mark = (await stores.feed.read(None)).mark
    await stores.feed.tell(change)
    assert of(await stores.feed.read(mark), change)


async def test_the_beginning_knows_all_that_is_not_over(stores: Stores) -> None:
    over, counts = session_revoked(SessionId(new_id()), LONG_AGO), revoked()
    for change in (over, counts):
        await stores.feed.tell(change)
    assert of(await stores.feed.read(None), over, counts) == {counts.subject}


async def test_who_gains_a_standing_has_another_epoch(stores: Stores, home: Home) -> None:
    before = await _epoch(stores.feed, home.owner)
    assert before == await stores.tenancy.epoch_of(home.owner)
    await stores.tenancy.add_space(space(home.organization, SpaceId(new_id())), home.owner)
    after = await _epoch(stores.feed, home.owner)
    assert after == await stores.tenancy.epoch_of(home.owner)
    assert after > before


async def test_a_transaction_that_began_earlier_and_commits_later_is_not_missed(
    pool: Pool,
) -> None:
    feed, slow, quick = PostgresAuthorityFeed(pool), revoked(), revoked()
    async with pool.as_identity() as connection:
        await tell(connection, slow)  # has its number, and is not committed
        await feed.tell(quick)
        news = await feed.read(None)
        assert of(news, slow, quick) == {quick.subject}
    after = await feed.read(news.mark)
    assert slow.subject in of(after, slow, quick)
    assert after.mark > news.mark


async def test_readers_marks_move_on_once_nobody_is_under_way(pool: Pool) -> None:
    feed, first, second = PostgresAuthorityFeed(pool), revoked(), revoked()
    await feed.tell(first)
    mark = (await feed.read(None)).mark
    await feed.tell(second)
    assert of(await feed.read(mark), first, second) == {second.subject}


async def test_a_transaction_that_is_given_up_leaves_no_news(pool: Pool) -> None:
    feed, never = PostgresAuthorityFeed(pool), revoked()
    news = await feed.read(None)
    try:
        async with pool.as_identity() as connection:
            await tell(connection, never)
            await connection.execute("select 1 / 0")
    except asyncpg.DivisionByZeroError:
        pass
    assert of(await feed.read(news.mark), never) == set()


async def test_a_database_that_was_put_back_is_read_from_the_beginning(pool: Pool) -> None:
    feed, change = PostgresAuthorityFeed(pool), revoked()
    await feed.tell(change)
    mark = (await feed.read(None)).mark
    assert of(await feed.read(mark + 1_000_000), change)


async def test_a_longer_ban_is_not_shortened(pool: Pool) -> None:
    feed, user = PostgresAuthorityFeed(pool), UserId(new_id())
    await feed.tell(user_revoked(user, NOW))
    await feed.tell(user_revoked(user, NOW - timedelta(hours=1)))
    (found,) = (await feed.read(None)).changes
    assert found == user_revoked(user, NOW)


async def test_the_application_itself_cannot_read_or_write_revocations(
    shared_database: SharedDatabase, pool: Pool
) -> None:
    for statement in ("select * from obelisk.authority_changes", "delete from obelisk.sessions"):
        async with pool.connection() as connection:
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError:
                continue
            raise AssertionError(f"it could: {statement}")


async def _epoch(feed: AuthorityFeed, user: UserId) -> int:
    found = [
        change.epoch
        for change in (await feed.read(None)).changes
        if change.kind is ChangeKind.EPOCH and change.subject == str(user)
    ]
    return max(found, default=0)
