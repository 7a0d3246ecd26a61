"""The contract of `AccountStore`, on every adapter."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.auth.account import EmailTaken, User
from domain.auth.session import Session
from domain.identifiers import SessionId, UserId
from domain.paging import PageRequest
from fixtures.making import NOON, new_id
from fixtures.stores import Stores

ADA = "ada@example.com"


def a_user(email: str | None = ADA, *, operator: bool = False) -> User:
    return User(
        user_id=UserId(new_id()),
        email=email,
        display_name="Ada",
        operator=operator,
        create_time=NOON,
    )


async def test_an_account_is_found_by_its_email_and_by_its_id(stores: Stores) -> None:
    user = a_user(operator=True)
    await stores.accounts.add(user, "a hash")
    by_email, by_id = await stores.accounts.find(ADA), await stores.accounts.get(user.user_id)
    assert by_email is not None
    assert by_email == by_id
    assert (by_email.user, by_email.password_hash) == (user, "a hash")
    assert by_email.addresses == frozenset()


async def test_nobody_is_found_by_what_nobody_has(stores: Stores) -> None:
    await stores.accounts.add(a_user(), None)
    assert await stores.accounts.find("bob@example.com") is None
    assert await stores.accounts.get(UserId(new_id())) is None


async def test_an_email_belongs_to_one_account(stores: Stores) -> None:
    first = a_user()
    await stores.accounts.add(first, "a hash")
    with pytest.raises(EmailTaken):
        await stores.accounts.add(a_user(), "another")
    with pytest.raises(EmailTaken):
        await stores.accounts.add(replace(first, email="bob@example.com"), "another")
    found = await stores.accounts.find(ADA)
    assert found is not None
    assert found.password_hash == "a hash"


async def test_accounts_without_an_email_stand_beside_each_other(stores: Stores) -> None:
    one, other = a_user(None), a_user(None)
    await stores.accounts.add(one, None)
    await stores.accounts.add(other, None)
    found = await stores.accounts.get(other.user_id)
    assert found is not None
    assert found.user == other
    assert found.password_hash is None


async def test_a_password_is_replaced_only_instead_of_the_one_looked_at(stores: Stores) -> None:
    user = a_user()
    await stores.accounts.add(user, None)
    assert await stores.accounts.set_password(user.user_id, "first", instead_of=None)
    assert not await stores.accounts.set_password(user.user_id, "late", instead_of=None)
    assert not await stores.accounts.set_password(user.user_id, "late", instead_of="another")
    assert await stores.accounts.set_password(user.user_id, "second", instead_of="first")
    found = await stores.accounts.get(user.user_id)
    assert found is not None
    assert found.password_hash == "second"


async def test_nobodys_password_cannot_be_set(stores: Stores) -> None:
    assert not await stores.accounts.set_password(UserId(new_id()), "a hash", instead_of=None)


async def test_pages_hold_everybody_once_in_the_order_of_their_ids(stores: Stores) -> None:
    made = [a_user(f"{n}@example.com") for n in range(5)]
    for user in (made[3], made[0], made[4], made[1], made[2]):
        await stores.accounts.add(user, "a hash")
    seen: list[User] = []
    after: UUID | None = None
    for size in (2, 2, 2):
        page = await stores.accounts.page(PageRequest(size=size, after=after))
        seen += page.items
        after = page.next_after
    assert seen == made
    assert after is None


async def test_an_account_knows_where_its_sessions_were_opened(stores: Stores) -> None:
    user = a_user()
    await stores.accounts.add(user, "a hash")
    for address in ("192.0.2.7", "192.0.2.7", "", "2001:db8::1"):
        await stores.sessions.open(_session(user, address), None)
    found = await stores.accounts.find(ADA)
    assert found is not None
    assert found.addresses == {"192.0.2.7", "2001:db8::1"}


def _session(user: User, address: str) -> Session:
    now = datetime.now(UTC)
    return Session(
        session_id=SessionId(new_id()),
        user_id=user.user_id,
        organization_id=None,
        address=address,
        user_agent="a test",
        create_time=now,
        expire_time=now + timedelta(hours=1),
    )
