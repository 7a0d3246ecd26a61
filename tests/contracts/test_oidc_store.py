"""The contract of `OidcStore`, on every adapter."""

import asyncio
from datetime import timedelta

import pytest

from adapters.postgres.pool import Pool
from application.ports.oidc_store import OidcStore
from domain.identifiers import UserId
from domain.tenancy.access import Role
from domain.tenancy.invitation import LIFETIME, digest_of
from fixtures.making import NOON, Home
from fixtures.people import an_invitation, signed_up
from fixtures.postgres import SharedDatabase
from fixtures.stores import Stores, postgres_stores

ISSUER = "https://idp.example.com"
_SOON = NOON + timedelta(minutes=10)
FOR_LONG = timedelta(hours=1)


@pytest.fixture
def store(stores: Stores) -> OidcStore:
    return stores.oidc


async def test_a_sign_in_that_has_begun_can_be_taken_once(store: OidcStore) -> None:
    await store.begin(b"state", "acme", b"sealed", _SOON, now=NOON)
    assert await store.take(b"another", NOON) is None
    assert await store.take(b"state", NOON) == ("acme", b"sealed")
    assert await store.take(b"state", NOON) is None


async def test_of_two_that_take_it_at_once_one_gets_it(store: OidcStore) -> None:
    await store.begin(b"state", "acme", b"sealed", _SOON, now=NOON)
    taken = await asyncio.gather(*(store.take(b"state", NOON) for _ in range(5)))
    assert sorted(taken, key=str) == [("acme", b"sealed"), None, None, None, None]


async def test_a_sign_in_that_is_over_cannot_be_taken(store: OidcStore) -> None:
    await store.begin(b"state", "acme", b"sealed", _SOON, now=NOON)
    assert await store.take(b"state", _SOON) is None
    assert await store.take(b"state", NOON) is None


async def test_those_that_are_over_do_not_disturb_those_that_are_not(store: OidcStore) -> None:
    for number in range(3):
        await store.begin(bytes([number]), "acme", b"old", NOON, now=NOON)
    await store.begin(b"state", "acme", b"sealed", _SOON + timedelta(hours=1), now=NOON)
    assert await store.take(b"none", _SOON) is None
    assert await store.take(b"state", _SOON) == ("acme", b"sealed")


async def test_what_is_begun_and_never_finished_does_not_pile_up(
    pool: Pool, shared_database: SharedDatabase
) -> None:
    store = postgres_stores(pool).oidc
    superuser = shared_database.superuser
    await superuser.execute("delete from obelisk.oidc_flows")
    for number in range(60):
        await store.begin(bytes([number]), "acme", b"old", _SOON, now=NOON)
    for number in range(60, 62):
        await store.begin(bytes([number]), "acme", b"new", _SOON + FOR_LONG, now=_SOON)
    assert await superuser.fetchval("select count(*) from obelisk.oidc_flows") == 2


async def test_a_subject_belongs_to_the_first_account_it_is_linked_to(stores: Stores) -> None:
    ada, bob = await signed_up(stores, "ada@example.com"), await signed_up(stores, "b@example.com")
    assert await stores.oidc.user_of(ISSUER, "s") is None
    assert await stores.oidc.link(ISSUER, "s", ada) == ada
    assert await stores.oidc.link(ISSUER, "s", bob) == ada
    assert await stores.oidc.user_of(ISSUER, "s") == ada


async def test_subjects_of_two_providers_do_not_know_each_other(stores: Stores) -> None:
    ada, bob = await signed_up(stores, "ada@example.com"), await signed_up(stores, "b@example.com")
    await stores.oidc.link(ISSUER, "s", ada)
    assert await stores.oidc.user_of("https://other.example.com", "s") is None
    assert await stores.oidc.link("https://other.example.com", "s", bob) == bob
    assert await stores.oidc.link("https://other.example.com", "t", ada) == ada


async def test_an_account_belongs_to_one_subject_of_an_issuer(stores: Stores) -> None:
    ada = await signed_up(stores, "ada@example.com")
    assert await stores.oidc.issuers_of(ada) == frozenset()
    assert await stores.oidc.link(ISSUER, "s", ada) == ada
    assert await stores.oidc.link(ISSUER, "t", ada) is None
    assert await stores.oidc.link(ISSUER, "s", ada) == ada
    assert await stores.oidc.user_of(ISSUER, "t") is None
    assert await stores.oidc.issuers_of(ada) == {ISSUER}


async def test_of_many_subjects_at_once_one_gets_the_account(stores: Stores) -> None:
    ada = await signed_up(stores, "ada@example.com")
    linked = await asyncio.gather(*(stores.oidc.link(ISSUER, f"s{n}", ada) for n in range(8)))
    assert sorted(linked, key=str) == sorted([ada, *[None] * 7], key=str)


async def test_the_open_invitations_of_an_email_are_found(stores: Stores, home: Home) -> None:
    email, other = "ada@example.com", "bob@example.com"
    await stores.invitations.add(an_invitation(home, email), digest_of("one"))
    await stores.invitations.add(an_invitation(home, other), digest_of("two"))
    assert await stores.oidc.open_invitations(email, NOON) == (digest_of("one"),)
    assert await stores.oidc.open_invitations(email, NOON + LIFETIME) == ()
    assert await stores.oidc.open_invitations("nobody@example.com", NOON) == ()


async def test_an_invitation_that_was_used_or_revoked_is_not_open(
    stores: Stores, home: Home
) -> None:
    email = "ada@example.com"
    user: UserId = await signed_up(stores, email)
    used, revoked = an_invitation(home, email, Role.VIEWER), an_invitation(home, email)
    await stores.invitations.add(used, digest_of("one"))
    await stores.invitations.add(revoked, digest_of("two"))
    await stores.members.accept(digest_of("one"), user, NOON)
    await stores.invitations.revoke(home.organization, revoked.invitation_id, NOON)
    assert await stores.oidc.open_invitations(email, NOON) == ()
