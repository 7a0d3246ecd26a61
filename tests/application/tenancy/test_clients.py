"""Service clients: made with a secret that is shown once, and ended for good."""

from dataclasses import replace

import pytest

from application.tenancy.clients import ManageClients
from domain.errors import InvalidInput
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import ActionNotAllowed, Role
from domain.tenancy.client import ServiceClientNotFound
from domain.tenancy.invitation import digest_of
from domain.tenancy.members import RoleAboveOwn, ServiceMayNotOwn
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound
from fixtures.house import House, context_of
from fixtures.making import new_home, new_id
from fixtures.people import joined
from fixtures.settled import Settled


@pytest.fixture
def settled() -> Settled:
    return Settled()


@pytest.fixture
def manage(house: House, settled: Settled) -> ManageClients:
    return ManageClients(
        clients=house.stores.clients,
        tenancy=house.stores.tenancy,
        settle=settled,
        clock=house.clock,
        entropy=house.entropy,
    )


async def test_of_the_secret_only_its_digest_is_kept(house: House, manage: ManageClients) -> None:
    made, secret = await manage.create(
        context_of(house.home, None),
        organization_id=house.home.organization,
        display_name=" Importer ",
        role=Role.VIEWER,
        space_roles={house.home.space: Role.EDITOR},
    )
    assert made.display_name == "Importer"
    assert len(secret) == 43
    known = await house.stores.clients.client_by_id(made.client_id)
    assert known is not None
    assert known.secret_hash == digest_of(secret)
    assert secret not in str(known)
    access = await house.stores.tenancy.access_to(house.home.space, made.client_id)
    assert access is not None
    assert access.role is Role.EDITOR


async def test_a_service_is_no_owner_and_has_no_more_than_its_maker(
    house: House, manage: ManageClients
) -> None:
    owner = context_of(house.home, None)
    admin = await joined(house.stores, house.home, Role.ADMIN)
    for context, refused in (
        (owner, ServiceMayNotOwn),
        (context_of(replace(house.home, owner=admin), None), RoleAboveOwn),
    ):
        for role, inside in ((Role.OWNER, Role.VIEWER), (Role.VIEWER, Role.OWNER)):
            with pytest.raises(refused):
                await manage.create(
                    context,
                    organization_id=house.home.organization,
                    display_name="Importer",
                    role=role,
                    space_roles={house.home.space: inside},
                )
    assert await manage.list(owner, organization_id=house.home.organization) == ()


async def test_a_service_enters_no_foreign_space(house: House, manage: ManageClients) -> None:
    away = await new_home(house.stores.tenancy)
    for space in (away.space, SpaceId(new_id())):
        with pytest.raises(SpaceNotFound):
            await manage.create(
                context_of(house.home, None),
                organization_id=house.home.organization,
                display_name="Importer",
                role=Role.VIEWER,
                space_roles={space: Role.VIEWER},
            )


async def test_a_name_that_is_none_is_refused(house: House, manage: ManageClients) -> None:
    with pytest.raises(InvalidInput):
        await manage.create(
            context_of(house.home, None),
            organization_id=house.home.organization,
            display_name=" ",
            role=Role.VIEWER,
            space_roles={},
        )


async def test_only_whoever_manages_services_makes_lists_and_revokes_them(
    house: House, manage: ManageClients, settled: Settled
) -> None:
    organization = house.home.organization
    editor = await joined(house.stores, house.home, Role.EDITOR)
    owner = context_of(house.home, None)
    bound = replace(owner, claims=replace(owner.claims, organization_id=OrganizationId(new_id())))
    for context, refused in (
        (context_of(replace(house.home, owner=UserId(new_id())), None), OrganizationNotFound),
        (bound, OrganizationNotFound),
        (context_of(replace(house.home, owner=editor), None), ActionNotAllowed),
    ):
        for attempt in (
            manage.create(
                context,
                organization_id=organization,
                display_name="Importer",
                role=Role.VIEWER,
                space_roles={},
            ),
            manage.list(context, organization_id=organization),
            manage.revoke(context, organization_id=organization, client_id=UserId(new_id())),
        ):
            with pytest.raises(refused):
                await attempt
    assert settled.times == 0


async def test_a_revoked_service_is_listed_as_such_once_everybody_knows(
    house: House, manage: ManageClients, settled: Settled
) -> None:
    owner, organization = context_of(house.home, None), house.home.organization
    made, _ = await manage.create(
        owner,
        organization_id=organization,
        display_name="Importer",
        role=Role.EDITOR,
        space_roles={},
    )
    assert await manage.list(owner, organization_id=organization) == (made,)
    await manage.revoke(owner, organization_id=organization, client_id=made.client_id)
    assert settled.times == 1
    assert await manage.list(owner, organization_id=organization) == (replace(made, revoked=True),)
    assert await house.stores.tenancy.role_in(organization, made.client_id) is None
    with pytest.raises(ServiceClientNotFound):
        await manage.revoke(owner, organization_id=organization, client_id=house.home.owner)
