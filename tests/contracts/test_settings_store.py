"""The contract of `SettingsStore`, on every adapter."""

import asyncio
from datetime import timedelta

from domain.identifiers import SpaceId, UserId
from domain.tenancy.settings import BrandVoice, SpaceSettings
from fixtures.making import Home, new_id
from fixtures.stores import Stores

VOICE = BrandVoice(
    tone="warm, \"direct\" 'plain' \\ 数 🎉",
    reading_level="8",
    terms_to_use=("Nordlys", "a\nb"),
    terms_to_avoid=("cheap",),
    claims_needing_proof=("the best",),
)
SETTINGS = SpaceSettings(brand_voice=VOICE, facts={"audience": "bakers; o'clock", "größe": "x"})


async def test_a_space_starts_with_empty_settings(stores: Stores, home: Home) -> None:
    assert await stores.settings.get(home.space) == SpaceSettings()


async def test_settings_come_back_as_they_were_put(stores: Stores, home: Home) -> None:
    await stores.settings.put(home.space, SETTINGS, home.owner)
    assert await stores.settings.get(home.space) == SETTINGS


async def test_the_last_settings_put_are_in_force(stores: Stores, home: Home) -> None:
    await stores.settings.put(home.space, SETTINGS, home.owner)
    await stores.settings.put(home.space, SpaceSettings(facts={"n": "2"}), home.owner)
    assert (await stores.settings.get(home.space)).facts == {"n": "2"}
    await stores.settings.put(home.space, SpaceSettings(), home.owner)
    assert await stores.settings.get(home.space) == SpaceSettings()


async def test_another_space_keeps_its_own_settings(stores: Stores, home: Home, away: Home) -> None:
    await stores.settings.put(home.space, SETTINGS, home.owner)
    assert await stores.settings.get(away.space) == SpaceSettings()
    await stores.settings.put(away.space, SpaceSettings(facts={"n": "1"}), away.owner)
    assert await stores.settings.get(home.space) == SETTINGS


async def test_editors_at_the_same_time_both_succeed(stores: Stores, home: Home) -> None:
    edits = [SpaceSettings(facts={"n": str(n)}) for n in range(8)]
    await asyncio.gather(*(stores.settings.put(home.space, e, home.owner) for e in edits))
    assert await stores.settings.get(home.space) in edits


async def test_every_version_is_kept_with_its_editor_newest_first(
    stores: Stores, home: Home, away: Home
) -> None:
    assert await stores.settings.versions(home.space, before=None, limit=5) == ()
    editors = [home.owner, UserId(new_id()), home.owner]
    put = [SpaceSettings(facts={"n": str(n)}) for n in range(3)]
    for settings, editor in zip(put, editors, strict=True):
        await stores.settings.put(home.space, settings, editor)
    await stores.settings.put(away.space, SETTINGS, away.owner)
    found = await stores.settings.versions(home.space, before=None, limit=5)
    assert [version.version for version in found] == [3, 2, 1]
    assert [version.settings for version in found] == put[::-1]
    assert [version.editor for version in found] == editors[::-1]
    assert all(version.create_time.utcoffset() == timedelta(0) for version in found)
    assert await stores.settings.versions(home.space, before=3, limit=1) == found[1:2]
    assert await stores.settings.versions(home.space, before=1, limit=5) == ()
    assert await stores.settings.versions(SpaceId(new_id()), before=None, limit=5) == ()
