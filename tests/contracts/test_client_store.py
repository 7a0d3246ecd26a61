"""The contract of `ClientStore`, on every adapter."""

import pytest

from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.client import KnownClient, ServiceClient, ServiceClientNotFound
from domain.tenancy.invitation import digest_of
from domain.tenancy.space import SpaceNotFound
from fixtures.making import NOON, Home, new_id
from fixtures.stores import Stores

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
    await stores.clients.add(made, SECRET, Role.VIEWER, {home.space: Role.EDITOR})
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
    for one in (made[2], _client(away), made[0], made[1]):
        await stores.clients.add(one, SECRET, Role.VIEWER, {})
    assert await stores.clients.list(home.organization) == tuple(made)
    assert await stores.clients.list(OrganizationId(new_id())) == ()


async def test_a_service_enters_no_space_of_another_organization(
    stores: Stores, home: Home, away: Home
) -> None:
    for place in (away.space, SpaceId(new_id())):
        made = _client(home)
        with pytest.raises(SpaceNotFound):
            await stores.clients.add(made, SECRET, Role.VIEWER, {place: Role.VIEWER})
        assert await stores.clients.client_by_id(made.client_id) is None
        assert await stores.tenancy.role_in(home.organization, made.client_id) is None


async def test_a_revoked_service_stands_nowhere_and_stays_listed(
    stores: Stores, home: Home
) -> None:
    made = _client(home)
    await stores.clients.add(made, SECRET, Role.EDITOR, {home.space: Role.EDITOR})
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
    await stores.clients.add(made, SECRET, Role.EDITOR, {})
    answers = set()
    for client in (made.client_id, UserId(new_id()), home.owner):
        with pytest.raises(ServiceClientNotFound) as refusal:
            await stores.clients.revoke(home.organization, client)
        answers.add(str(refusal.value))
    assert len(answers) == 1
    assert await stores.tenancy.role_in(away.organization, made.client_id) is Role.EDITOR
    assert await stores.tenancy.role_in(home.organization, home.owner) is Role.OWNER
    assert await stores.clients.client_by_id(UserId(new_id())) is None
