"""The contract of `SessionStore`, on every adapter."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from adapters.postgres.pool import Pool
from adapters.postgres.session_store import PostgresSessionStore
from domain.auth.account import User, UserNotFound
from domain.auth.revocation import KEPT_FOR, ChangeKind
from domain.auth.session import (
    MAX_OPEN_SESSIONS,
    RefreshToken,
    RefreshTokenRejected,
    Session,
    SessionNotFound,
    SessionRefused,
)
from domain.identifiers import OrganizationId, SessionId, UserId
from domain.tenancy.access import Role
from domain.tenancy.client import ServiceClient
from domain.tenancy.organization import OrganizationNotFound
from fixtures.making import Home, new_id, organization
from fixtures.postgres import SharedDatabase
from fixtures.stores import Stores, postgres_stores

NOW = datetime.now(UTC)
MINUTE, MONTH = timedelta(minutes=1), timedelta(days=30)


@pytest_asyncio.fixture
async def owner(stores: Stores, home: Home) -> UserId:
    """The home's owner, as somebody who can sign in."""
    return await _account(stores, home.owner)


async def _account(stores: Stores, user: UserId, *, operator: bool = False) -> UserId:
    made = User(user_id=user, email=None, display_name="Ada", operator=operator, create_time=NOW)
    await stores.accounts.add(made, None)
    return user


def session(user: UserId, organization: OrganizationId | None = None) -> Session:
    return Session(
        session_id=SessionId(new_id()),
        user_id=user,
        organization_id=organization,
        address="192.0.2.7",
        user_agent="a browser",
        create_time=NOW,
        expire_time=NOW + MONTH,
    )


def refresh(*, until: datetime = NOW + MONTH) -> RefreshToken:
    return RefreshToken(token_hash=new_id().bytes * 2, expire_time=until)


async def _opened(stores: Stores, user: UserId) -> tuple[Session, RefreshToken]:
    made, token = session(user), refresh()
    await stores.sessions.open(made, token)
    return made, token


async def _told(stores: Stores) -> set[str]:
    """The sessions and users that the feed says are revoked."""
    news = await stores.feed.read(None)
    wanted = (ChangeKind.SESSION, ChangeKind.USER)
    return {change.subject for change in news.changes if change.kind in wanted}


async def test_open_sessions_are_listed_as_they_were_opened_newest_first(
    stores: Stores, home: Home, owner: UserId
) -> None:
    made = [session(owner), session(owner, home.organization), session(owner)]
    for one in made:
        await stores.sessions.open(one, None)
    assert await stores.sessions.open_sessions(owner, NOW) == tuple(reversed(made))
    assert await stores.sessions.open_sessions(owner, NOW + MONTH) == ()
    assert await stores.sessions.open_sessions(UserId(new_id()), NOW) == ()


async def test_nobody_opens_a_session_without_an_account(stores: Stores) -> None:
    with pytest.raises(SessionRefused):
        await stores.sessions.open(session(UserId(new_id())), None)


async def test_a_service_opens_one_until_it_is_revoked(stores: Stores, home: Home) -> None:
    service = UserId(new_id())
    client = ServiceClient(
        client_id=service,
        organization_id=home.organization,
        display_name="CRM",
        create_time=NOW,
    )
    await stores.clients.add(client, bytes(32), Role.EDITOR, {}, giver=home.owner)
    await stores.sessions.open(session(service, home.organization), None)
    assert len(await stores.sessions.open_sessions(service, NOW)) == 1
    await stores.sessions.revoke_user(service, disable=True, now=NOW)
    assert await stores.sessions.open_sessions(service, NOW) == ()
    with pytest.raises(SessionRefused):
        await stores.sessions.open(session(service, home.organization), None)


async def test_a_refresh_token_gives_way_to_its_successor(stores: Stores, owner: UserId) -> None:
    made, first = await _opened(stores, owner)
    second, third = refresh(), refresh()
    for used, next_one in ((first, second), (second, third)):
        renewal = await stores.sessions.rotate(used.token_hash, next_one, None, NOW)
        assert renewal is not None
        assert renewal.session == made
        assert not renewal.operator
    assert await _told(stores) == set()


async def test_a_second_use_ends_the_session_and_tells_everybody(
    stores: Stores, owner: UserId
) -> None:
    made, first = await _opened(stores, owner)
    second = refresh()
    assert await stores.sessions.rotate(first.token_hash, second, None, NOW)
    assert await stores.sessions.rotate(first.token_hash, refresh(), None, NOW) is None
    assert await _told(stores) == {str(made.session_id)}
    assert await stores.sessions.open_sessions(owner, NOW) == ()
    with pytest.raises(RefreshTokenRejected):
        await stores.sessions.rotate(second.token_hash, refresh(), None, NOW)


async def test_of_many_uses_at_once_one_works_and_the_session_ends(
    stores: Stores, owner: UserId
) -> None:
    made, first = await _opened(stores, owner)
    answers = await asyncio.gather(
        *(stores.sessions.rotate(first.token_hash, refresh(), None, NOW) for _ in range(5))
    )
    assert len([answer for answer in answers if answer is not None]) == 1
    assert await _told(stores) == {str(made.session_id)}


async def test_the_reuse_in_one_session_leaves_others_alone(stores: Stores, owner: UserId) -> None:
    _, first = await _opened(stores, owner)
    other, token = await _opened(stores, owner)
    for _ in range(2):
        await stores.sessions.rotate(first.token_hash, refresh(), None, NOW)
    assert await stores.sessions.open_sessions(owner, NOW) == (other,)
    assert await stores.sessions.rotate(token.token_hash, refresh(), None, NOW)


@pytest.mark.parametrize("at", [NOW + MINUTE, NOW + MONTH])
async def test_a_refresh_token_ends_by_itself_or_with_its_session(
    stores: Stores, owner: UserId, at: datetime
) -> None:
    made = session(owner)
    token = refresh(until=NOW + MINUTE) if at == NOW + MINUTE else refresh(until=NOW + 2 * MONTH)
    await stores.sessions.open(made, token)
    with pytest.raises(RefreshTokenRejected):
        await stores.sessions.rotate(token.token_hash, refresh(), None, at)
    assert await _told(stores) == set()


async def test_an_unknown_refresh_token_is_rejected(stores: Stores, owner: UserId) -> None:
    await _opened(stores, owner)
    with pytest.raises(RefreshTokenRejected):
        await stores.sessions.rotate(bytes(32), refresh(), None, NOW)


async def test_an_operator_is_told_as_what_the_user_is_now(stores: Stores) -> None:
    user = await _account(stores, UserId(new_id()), operator=True)
    _, token = await _opened(stores, user)
    renewal = await stores.sessions.rotate(token.token_hash, refresh(), None, NOW)
    assert renewal is not None
    assert renewal.operator


async def test_a_session_is_bound_to_another_organization_of_its_user(
    stores: Stores, home: Home, owner: UserId
) -> None:
    other = organization(OrganizationId(new_id()))
    await stores.tenancy.add_organization(other, owner)
    made, first = session(owner, home.organization), refresh()
    await stores.sessions.open(made, first)
    second = refresh()
    bound = await stores.sessions.rotate(first.token_hash, second, other.organization_id, NOW)
    assert bound is not None
    assert bound.session.organization_id == other.organization_id
    kept = await stores.sessions.rotate(second.token_hash, refresh(), None, NOW)
    assert kept is not None
    assert kept.session.organization_id == other.organization_id


async def test_a_foreign_organization_is_refused_like_a_missing_one_and_uses_nothing_up(
    stores: Stores, owner: UserId, away: Home
) -> None:
    _, token = await _opened(stores, owner)
    for strange in (away.organization, OrganizationId(new_id())):
        with pytest.raises(OrganizationNotFound):
            await stores.sessions.rotate(token.token_hash, refresh(), strange, NOW)
    assert await stores.sessions.rotate(token.token_hash, refresh(), None, NOW)


async def test_a_session_ends_once_and_cannot_be_renewed(stores: Stores, owner: UserId) -> None:
    made, token = await _opened(stores, owner)
    for _ in range(2):
        await stores.sessions.end(owner, made.session_id, NOW)
    assert await _told(stores) == {str(made.session_id)}
    with pytest.raises(RefreshTokenRejected):
        await stores.sessions.rotate(token.token_hash, refresh(), None, NOW)


async def test_what_is_told_is_kept_for_longer_than_a_token_lives(
    stores: Stores, owner: UserId
) -> None:
    made, _ = await _opened(stores, owner)
    await stores.sessions.end(owner, made.session_id, NOW)
    (change,) = [
        change
        for change in (await stores.feed.read(None)).changes
        if change.kind is ChangeKind.SESSION
    ]
    assert change.expire_time == NOW + KEPT_FOR


async def test_nobody_ends_a_session_of_somebody_else(
    stores: Stores, owner: UserId, away: Home
) -> None:
    made, _ = await _opened(stores, owner)
    with pytest.raises(SessionNotFound) as foreign:
        await stores.sessions.end(away.owner, made.session_id, NOW)
    with pytest.raises(SessionNotFound) as missing:
        await stores.sessions.end(owner, SessionId(new_id()), NOW)
    assert str(foreign.value) == str(missing.value)
    assert await stores.sessions.open_sessions(owner, NOW) == (made,)
    assert await _told(stores) == set()


async def test_all_sessions_end_but_the_one_to_be_spared(stores: Stores, owner: UserId) -> None:
    made = [(await _opened(stores, owner))[0] for _ in range(3)]
    other = await _account(stores, UserId(new_id()))
    strangers, _ = await _opened(stores, other)
    ended = await stores.sessions.end_all(owner, spare=made[1].session_id, now=NOW)
    assert ended == 2
    assert await stores.sessions.open_sessions(owner, NOW) == (made[1],)
    assert await stores.sessions.open_sessions(other, NOW) == (strangers,)
    assert await _told(stores) == {str(made[0].session_id), str(made[2].session_id)}
    assert await stores.sessions.end_all(owner, spare=None, now=NOW) == 1
    assert await stores.sessions.end_all(owner, spare=None, now=NOW) == 0


async def test_of_too_many_open_sessions_the_oldest_ends_and_is_told(
    stores: Stores, owner: UserId
) -> None:
    other = await _account(stores, UserId(new_id()))
    await stores.sessions.open(session(other), None)
    made = [session(owner) for _ in range(MAX_OPEN_SESSIONS + 2)]
    token = refresh()
    await stores.sessions.open(made[0], token)
    for one in made[1:]:
        await stores.sessions.open(one, None)
    left = await stores.sessions.open_sessions(owner, NOW)
    assert left == tuple(reversed(made[2:]))
    assert await _told(stores) == {str(made[0].session_id), str(made[1].session_id)}
    with pytest.raises(RefreshTokenRejected):
        await stores.sessions.rotate(token.token_hash, refresh(), None, NOW)
    assert len(await stores.sessions.open_sessions(other, NOW)) == 1


async def test_many_sessions_that_end_together_are_told_as_one_change(
    stores: Stores, owner: UserId
) -> None:
    hour = timedelta(hours=1)
    made = [replace(session(owner), create_time=NOW - hour) for _ in range(20)]
    token = refresh()
    await stores.sessions.open(made[0], token)
    for one in made[1:]:
        await stores.sessions.open(one, None)
    # Its next token may be on its way to its owner, issued after what is told here.
    await stores.sessions.rotate(token.token_hash, refresh(), None, NOW - timedelta(seconds=1))
    assert await stores.sessions.end_all(owner, spare=None, now=NOW) == 20
    assert await _told(stores) == {str(owner), str(made[0].session_id)}
    assert await stores.sessions.open_sessions(owner, NOW) == ()


async def test_of_many_sessions_the_spared_one_goes_on(stores: Stores, owner: UserId) -> None:
    made = [(await _opened(stores, owner))[0] for _ in range(20)]
    await stores.sessions.end_all(owner, spare=made[7].session_id, now=NOW)
    ended = {str(one.session_id) for one in made} - {str(made[7].session_id)}
    assert await _told(stores) == ended


async def test_a_revoked_user_loses_all_and_may_come_again(stores: Stores, owner: UserId) -> None:
    made, token = await _opened(stores, owner)
    assert await stores.sessions.revoke_user(owner, disable=False, now=NOW) == 1
    assert await _told(stores) == {str(owner), str(made.session_id)}
    with pytest.raises(RefreshTokenRejected):
        await stores.sessions.rotate(token.token_hash, refresh(), None, NOW)
    again, _ = await _opened(stores, owner)
    assert await stores.sessions.open_sessions(owner, NOW) == (again,)


async def test_a_disabled_user_neither_renews_nor_signs_in(stores: Stores, owner: UserId) -> None:
    _, token = await _opened(stores, owner)
    await stores.sessions.revoke_user(owner, disable=True, now=NOW)
    with pytest.raises(RefreshTokenRejected):
        await stores.sessions.rotate(token.token_hash, refresh(), None, NOW)
    with pytest.raises(SessionRefused):
        await _opened(stores, owner)
    account = await stores.accounts.get(owner)
    assert account is not None
    assert account.user.disabled


async def test_only_a_user_or_a_service_can_be_revoked(stores: Stores) -> None:
    with pytest.raises(UserNotFound):
        await stores.sessions.revoke_user(UserId(new_id()), disable=True, now=NOW)


async def test_a_sign_in_at_the_same_moment_is_either_ended_or_refused(pool: Pool) -> None:
    stores = postgres_stores(pool)
    user = await _account(stores, UserId(new_id()))

    async def sign_in() -> bool:
        try:
            await stores.sessions.open(session(user), refresh())
        except SessionRefused:
            return False
        return True

    for _ in range(10):
        first = [asyncio.ensure_future(sign_in()) for _ in range(3)]
        revoking = asyncio.ensure_future(stores.sessions.revoke_user(user, disable=True, now=NOW))
        later = [asyncio.ensure_future(sign_in()) for _ in range(3)]
        await asyncio.gather(revoking, *first, *later)
        assert await stores.sessions.open_sessions(user, NOW) == ()
        user = await _account(stores, UserId(new_id()))


async def test_what_is_over_is_forgotten_bit_by_bit(
    pool: Pool, shared_database: SharedDatabase
) -> None:
    stores, superuser = postgres_stores(pool), shared_database.superuser
    user = await _account(stores, UserId(new_id()))
    await superuser.execute(_OVER, user)
    before = await superuser.fetchrow(_COUNT)
    kept = [(await _opened(stores, user))[0] for _ in range(3)]
    after = await superuser.fetchrow(_COUNT)
    assert before is not None
    assert after is not None
    assert (before["sessions"], before["changes"]) == (120, 120)
    assert (after["sessions"], after["changes"]) == (len(kept), 0)
    assert after["refresh_tokens"] == len(kept)


async def test_the_store_keeps_no_refresh_token_in_the_clear(
    pool: Pool, shared_database: SharedDatabase
) -> None:
    stores = postgres_stores(pool)
    user = await _account(stores, UserId(new_id()))
    _, token = await _opened(stores, user)
    rows = await shared_database.superuser.fetch("select * from obelisk.refresh_tokens")
    assert [bytes(row["token_hash"]) for row in rows] == [token.token_hash]
    assert isinstance(stores.sessions, PostgresSessionStore)


_OVER = """
    with s as (
      insert into obelisk.sessions
      select gen_random_uuid(), $1, null, '', '', now() - interval '90 days',
             now() - interval '60 days', null
      from generate_series(1, 120) returning session_id
    ), r as (
      insert into obelisk.refresh_tokens
      select decode(md5(session_id::text), 'hex'), session_id, now() - interval '60 days' from s
    )
    insert into obelisk.authority_changes (kind, subject, expire_time)
    select 'session', session_id::text, now() - interval '1 hour' from s
"""
_COUNT = """
    select (select count(*) from obelisk.sessions) as sessions,
           (select count(*) from obelisk.refresh_tokens) as refresh_tokens,
           (select count(*) from obelisk.authority_changes) as changes
"""
