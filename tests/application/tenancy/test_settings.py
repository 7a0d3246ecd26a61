"""Brand voice and facts of a space, in versions."""

import pytest

from application.context import SpaceHeaderMissing
from application.tenancy.settings import ManageSettings
from domain.paging import NumberedPageRequest
from domain.tenancy.access import ActionNotAllowed, Role
from domain.tenancy.settings import BrandVoice, SpaceSettings
from fixtures.house import House, context_of

SETTINGS = SpaceSettings(brand_voice=BrandVoice(tone="warm"), facts={"audience": "families"})


@pytest.fixture
def manage(house: House) -> ManageSettings:
    return ManageSettings(house.stores.settings)


async def test_settings_are_empty_until_they_are_put_and_then_replaced_whole(
    house: House, manage: ManageSettings
) -> None:
    context = context_of(house.home, Role.ADMIN)
    assert await manage.get(context) == SpaceSettings()
    for settings in (SETTINGS, SpaceSettings(facts={"place": "Bergen"})):
        assert await manage.update(context, settings=settings) == settings
        assert await manage.get(context) == settings


@pytest.mark.parametrize("role", [Role.EDITOR, Role.REVIEWER, Role.VIEWER])
async def test_others_read_the_settings_and_do_not_change_them(
    house: House, manage: ManageSettings, role: Role
) -> None:
    context = context_of(house.home, role)
    with pytest.raises(ActionNotAllowed):
        await manage.update(context, settings=SETTINGS)
    assert await manage.get(context) == SpaceSettings()
    history = await manage.history(context, page=NumberedPageRequest())
    assert history.versions == ()
    assert history.next_before is None


async def test_settings_belong_to_a_space(house: House, manage: ManageSettings) -> None:
    context = context_of(house.home, None)
    with pytest.raises(SpaceHeaderMissing):
        await manage.get(context)
    with pytest.raises(SpaceHeaderMissing):
        await manage.history(context, page=NumberedPageRequest())


async def test_the_history_comes_newest_first_in_pages(
    house: House, manage: ManageSettings
) -> None:
    context = context_of(house.home)
    put = [SpaceSettings(facts={"n": str(n)}) for n in range(1, 6)]
    for settings in put:
        await manage.update(context, settings=settings)
    seen = []
    before: int | None = None
    for expected in ([5, 4], [3, 2], [1]):
        page = await manage.history(context, page=NumberedPageRequest(size=2, before=before))
        assert [version.version for version in page.versions] == expected
        seen += [version.settings for version in page.versions]
        before = page.next_before
    assert before is None
    assert seen == list(reversed(put))
    assert {v.editor for v in page.versions} == {house.home.owner}
