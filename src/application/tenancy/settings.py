"""Brand voice, brand rules and facts of a space, in versions."""

from dataclasses import dataclass

from application.context import RequestContext
from application.ports.settings_store import SettingsStore
from domain.paging import NumberedPageRequest
from domain.tenancy.access import Action
from domain.tenancy.settings import SettingsVersion, SpaceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsHistory:
    """`next_before` is None on the last page."""

    versions: tuple[SettingsVersion, ...]
    next_before: int | None


class ManageSettings:
    def __init__(self, settings: SettingsStore) -> None:
        self._settings = settings

    async def get(self, context: RequestContext) -> SpaceSettings:
        """The settings of the request's space."""
        return await self._settings.get(context.space_for(Action.READ))

    async def update(self, context: RequestContext, *, settings: SpaceSettings) -> SpaceSettings:
        """Replace them whole; the ones before stay in the history."""
        space = context.space_for(Action.EDIT_SETTINGS)
        await self._settings.put(space, settings, context.user_id)
        return settings

    async def history(
        self, context: RequestContext, *, page: NumberedPageRequest
    ) -> SettingsHistory:
        """Every version that there was, newest first."""
        space = context.space_for(Action.READ)
        found = await self._settings.versions(space, before=page.before, limit=page.size + 1)
        versions = found[: page.size]
        last = versions[-1].version if len(found) > page.size else None
        return SettingsHistory(versions=versions, next_before=last)
