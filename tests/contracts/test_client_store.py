"""The contract of `ClientStore`, on every adapter."""

import asyncio

import pytest

from adapters.postgres.pool import Pool
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import ActionNotAllowed, Role, SpaceAccess
from domain.tenancy.client import (
    MAX_SERVICE_CLIENTS,
    KnownClient,
    ServiceClient,
    ServiceClientNotFound,
    TooManyServiceClients,
)
from domain.tenancy.invitation import digest_of
from domain.tenancy.members import RoleAboveOwn
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound
from fixtures.making import NOON, Home, new_home, new_id
from fixtures.people import joined
from fixtures.postgres import SharedDatabase
from fixtures.stores import Stores, postgres_stores

SECRET = digest_of("secret")


def _client(home: Home, name: str = "Importer") -> ServiceClient:
    return ServiceClient(
        client_id=UserId(new_id()),
        organization_id=home.organization,
        display_name=name,
        create_time=NOON,
    )


async def test_a_new_service_is_a_member_with_its_roles(stores: Stores, home: Home) -> None:
    made = _client(home)
    await stores.clients.add(made, SECRET, Role.VIEWER, {home.space: Role.EDITOR}, giver=home.owner)
    assert await stores.tenancy.role_in(home.organization, made.client_id) is Role.VIEWER
    assert await stores.tenancy.access_to(home.space, made.client_id) == SpaceAccess(
        organization_id=home.organization, space_id=home.space, role=Role.EDITOR
    )
    assert await stores.clients.client_by_id(made.client_id) == KnownClient(
        client=made, secret_hash=SECRET
    )


async def test_services_come_oldest_first_and_from_one_organization(
    stores: Stores, home: Home, away: Home
) -> None:
    made = [_client(home, str(n)) for n in range(3)]
    await stores.clients.add(_client(away), SECRET, Role.VIEWER, {}, giver=away.owner)
    for one in (made[2], made[0], made[1]):
        await stores.clients.add(one, SECRET, Role.VIEWER, {}, giver=home.owner)
    assert await stores.clients.list(home.organization) == tuple(made)
    assert await stores.clients.list(OrganizationId(new_id())) == ()


async def test_a_service_enters_no_space_of_another_organization(
    stores: Stores, home: Home, away: Home
) -> None:
    for place in (away.space, SpaceId(new_id())):
        made = _client(home)
        with pytest.raises(SpaceNotFound):
            await stores.clients.add(
                made, SECRET, Role.VIEWER, {place: Role.VIEWER}, giver=home.owner
            )
        assert await stores.clients.client_by_id(made.client_id) is None
        assert await stores.tenancy.role_in(home.organization, made.client_id) is None


async def test_a_revoked_service_stands_nowhere_and_stays_listed(
    stores: Stores, home: Home
) -> None:
    made = _client(home)
    await stores.clients.add(made, SECRET, Role.EDITOR, {home.space: Role.EDITOR}, giver=home.owner)
    before = await stores.tenancy.epoch_of(made.client_id)
    for _ in range(2):
        await stores.clients.revoke(home.organization, made.client_id)
        assert await stores.tenancy.role_in(home.organization, made.client_id) is None
        assert await stores.tenancy.standings_of(made.client_id, None) == ()
        assert await stores.tenancy.epoch_of(made.client_id) > before
        [listed] = await stores.clients.list(home.organization)
        assert listed.revoked
        known = await stores.clients.client_by_id(made.client_id)
        assert known is not None
        assert known.client.revoked


async def test_a_foreign_service_and_a_missing_one_answer_alike(
    stores: Stores, home: Home, away: Home
) -> None:
    made = _client(away)
    await stores.clients.add(made, SECRET, Role.EDITOR, {}, giver=away.owner)
    answers = set()
    for client in (made.client_id, UserId(new_id()), home.owner):
        with pytest.raises(ServiceClientNotFound) as refusal:
            await stores.clients.revoke(home.organization, client)
        answers.add(str(refusal.value))
    assert len(answers) == 1
    assert await stores.tenancy.role_in(away.organization, made.client_id) is Role.EDITOR
    assert await stores.tenancy.role_in(home.organization, home.owner) is Role.OWNER
    assert await stores.clients.client_by_id(UserId(new_id())) is None


async def test_who_may_not_give_a_role_at_that_moment_makes_no_service_with_it(
    stores: Stores, home: Home, away: Home
) -> None:
    made = _client(home)
    admin = await joined(stores, home, Role.ADMIN)
    for giver, role, inside, refusal in (
        (away.owner, Role.VIEWER, {}, OrganizationNotFound),
        (admin, Role.OWNER, {}, RoleAboveOwn),
        (admin, Role.VIEWER, {home.space: Role.OWNER}, RoleAboveOwn),
        (await joined(stores, home, Role.EDITOR), Role.VIEWER, {}, ActionNotAllowed),
    ):
        with pytest.raises(refusal):
            await stores.clients.add(made, SECRET, role, inside, giver=giver)
    await stores.clients.add(made, SECRET, Role.VIEWER, {}, giver=admin)


async def test_whoever_is_removed_at_the_same_moment_leaves_no_service_behind_them(
    pool: Pool, shared_database: SharedDatabase
) -> None:
    stores = postgres_stores(pool)
    home = await new_home(stores.tenancy)
    admin = await joined(stores, home, Role.ADMIN)
    made = _client(home)
    connection = shared_database.superuser
    async with connection.transaction():
        # Somebody removes the admin, and has not committed yet.
        await connection.execute(_LOCK, home.organization)
        await connection.execute(_REMOVE, home.organization, admin)
        adding = asyncio.ensure_future(
            stores.clients.add(made, SECRET, Role.ADMIN, {}, giver=admin)
        )
        await asyncio.sleep(0.2)
        assert not adding.done()
    with pytest.raises(OrganizationNotFound):
        await adding


async def test_an_organization_has_so_many_services_that_are_not_revoked(
    stores: Stores, home: Home, away: Home
) -> None:
    made = [_client(home) for _ in range(MAX_SERVICE_CLIENTS + 1)]
    for one in made[:-1]:
        await stores.clients.add(one, SECRET, Role.VIEWER, {}, giver=home.owner)
    with pytest.raises(TooManyServiceClients, match="200"):
        await stores.clients.add(made[-1], SECRET, Role.VIEWER, {}, giver=home.owner)
    await stores.clients.add(_client(away), SECRET, Role.VIEWER, {}, giver=away.owner)
    await stores.clients.revoke(home.organization, made[0].client_id)
    await stores.clients.add(made[-1], SECRET, Role.VIEWER, {}, giver=home.owner)


_LOCK = "select from obelisk.organizations where organization_id = $1 for no key update"
_REMOVE = "delete from obelisk.organization_members where organization_id = $1 and user_id = $2"
