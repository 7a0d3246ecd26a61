"""Organizations, spaces and their settings."""

from application.context import RequestContext
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.settings_store import SettingsStore
from application.ports.tenancy_store import TenancyStore
from application.ports.tenant_directory import TenantDirectory
from domain.identifiers import OrganizationId, SpaceId
from domain.tenancy.access import Action, require_in_organization
from domain.tenancy.organization import (
    Organization,
    OrganizationNotFound,
    checked_display_name,
)
from domain.tenancy.settings import SpaceSettings
from domain.tenancy.space import Space


class ManageTenancy:
    def __init__(
        self,
        *,
        tenancy: TenancyStore,
        directory: TenantDirectory,
        settings: SettingsStore,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._tenancy = tenancy
        self._directory = directory
        self._settings = settings
        self._clock = clock
        self._entropy = entropy

    async def create_organization(
        self, context: RequestContext, *, display_name: str
    ) -> Organization:
        """The caller becomes its owner. Raises InvalidInput for a bad name."""
        organization = Organization(
            organization_id=OrganizationId(self._entropy.uuid()),
            display_name=checked_display_name(display_name),
            create_time=self._clock.now(),
        )
        await self._tenancy.add_organization(organization, context.user_id)
        return organization

    async def list_organizations(self, context: RequestContext) -> tuple[Organization, ...]:
        """The caller's own, oldest first."""
        return await self._directory.organizations_of(context.user_id)

    async def create_space(
        self, context: RequestContext, *, organization_id: OrganizationId, display_name: str
    ) -> Space:
        """Raises OrganizationNotFound (also for a stranger), ActionNotAllowed, InvalidInput."""
        role = await self._tenancy.role_in(organization_id, context.user_id)
        if role is None:
            raise OrganizationNotFound
        require_in_organization(role, Action.CREATE_SPACE)
        space = Space(
            space_id=SpaceId(self._entropy.uuid()),
            organization_id=organization_id,
            display_name=checked_display_name(display_name),
            create_time=self._clock.now(),
        )
        await self._tenancy.add_space(space, context.user_id)
        return space

    async def list_spaces(
        self, context: RequestContext, *, organization_id: OrganizationId
    ) -> tuple[Space, ...]:
        """Raises OrganizationNotFound, also for a stranger."""
        if await self._tenancy.role_in(organization_id, context.user_id) is None:
            raise OrganizationNotFound
        return await self._directory.spaces_of(organization_id, context.user_id)

    async def get_settings(self, context: RequestContext) -> SpaceSettings:
        """The settings of the request's space."""
        return await self._settings.get(context.space_for(Action.READ))

    async def update_settings(
        self, context: RequestContext, *, settings: SpaceSettings
    ) -> SpaceSettings:
        """Replace them whole."""
        space = context.space_for(Action.EDIT_SETTINGS)
        await self._settings.put(space, settings, context.user_id)
        return settings
