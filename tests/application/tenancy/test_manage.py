"""Organizations, spaces and settings."""

from dataclasses import replace

import pytest

from application.context import SpaceHeaderMissing
from application.tenancy.manage import ManageTenancy
from domain.errors import InvalidInput
from domain.identifiers import OrganizationId, UserId
from domain.tenancy.access import ActionNotAllowed, Role
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.settings import BrandVoice, SpaceSettings
from fixtures.house import House, context_of
from fixtures.making import new_id

SETTINGS = SpaceSettings(brand_voice=BrandVoice(tone="warm"), facts={"audience": "families"})


class Settled:
    """How often the use case has waited for every process to know."""

    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def settled() -> Settled:
    return Settled()


@pytest.fixture
def manage(house: House, settled: Settled) -> ManageTenancy:
    return ManageTenancy(
        tenancy=house.stores.tenancy,
        directory=house.stores.directory,
        clients=house.stores.clients,
        settle=settled,
        clock=house.clock,
        entropy=house.entropy,
    )


async def test_who_founds_an_organization_owns_it_and_its_spaces(
    house: House, manage: ManageTenancy
) -> None:
    founder = context_of(replace(house.home, owner=UserId(new_id())), None)
    made = await manage.create_organization(founder, display_name=" Nordlys ")
    assert made.display_name == "Nordlys"
    assert await manage.list_organizations(founder) == (made,)
    spaces = [
        await manage.create_space(
            founder, organization_id=made.organization_id, display_name=f"Brand {n}"
        )
        for n in range(2)
    ]
    listed = await manage.list_spaces(founder, organization_id=made.organization_id)
    assert listed == tuple(spaces)
    access = await house.stores.tenancy.access_to(spaces[0].space_id, founder.user_id)
    assert access is not None
    assert access.role is Role.OWNER


async def test_a_stranger_finds_no_organization_and_neither_does_anybody_a_missing_one(
    house: House, manage: ManageTenancy
) -> None:
    stranger = context_of(replace(house.home, owner=UserId(new_id())), None)
    owner = context_of(house.home, None)
    answers = set()
    for who, which in (
        (stranger, house.home.organization),
        (owner, OrganizationId(new_id())),
    ):
        with pytest.raises(OrganizationNotFound) as refusal:
            await manage.list_spaces(who, organization_id=which)
        answers.add(str(refusal.value))
        with pytest.raises(OrganizationNotFound) as refusal:
            await manage.create_space(who, organization_id=which, display_name="Brand")
        answers.add(str(refusal.value))
    assert len(answers) == 1
    assert await manage.list_organizations(stranger) == ()


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
async def test_a_name_that_is_none_is_refused(
    house: House, manage: ManageTenancy, name: str
) -> None:
    owner = context_of(house.home, None)
    with pytest.raises(InvalidInput):
        await manage.create_organization(owner, display_name=name)
    with pytest.raises(InvalidInput):
        await manage.create_space(owner, organization_id=house.home.organization, display_name=name)
    assert len(await manage.list_organizations(owner)) == 1
