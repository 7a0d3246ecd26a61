"""Organizations and spaces: made, listed and renamed."""

from collections.abc import Awaitable, Callable

from application.context import RequestContext
from application.ports.client_store import ClientStore
from application.ports.clock import Clock
from application.ports.entropy import Entropy
from application.ports.tenancy_store import TenancyStore
from application.ports.tenant_directory import TenantDirectory
from application.tenancy.standing import role_for
from domain.identifiers import OrganizationId, SpaceId
from domain.tenancy.access import Action
from domain.tenancy.members import ServiceMayNotOwn
from domain.tenancy.organization import Organization, checked_display_name
from domain.tenancy.space import Space, SpaceNotFound


class ManageTenancy:
    def __init__(
        self,
        *,
        tenancy: TenancyStore,
        directory: TenantDirectory,
        clients: ClientStore,
        settle: Callable[[], Awaitable[None]],
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        """`settle` returns once every process knows what was committed before."""
        self._tenancy = tenancy
        self._directory = directory
        self._clients = clients
        self._settle = settle
        self._clock = clock
        self._entropy = entropy

    async def create_organization(
        self, context: RequestContext, *, display_name: str
    ) -> Organization:
        """The caller becomes its owner, also with a token that is bound to another organization.

        Such a token still opens only that other one: to enter the new one, refresh it with the new
        one's id. Otherwise whoever is in one organization could never found a second.

        Raises InvalidInput for a bad name, ServiceMayNotOwn for a service.
        """
        organization = Organization(
            organization_id=OrganizationId(self._entropy.uuid()),
            display_name=checked_display_name(display_name),
            create_time=self._clock.now(),
        )
        if await self._clients.client_by_id(context.user_id) is not None:
            raise ServiceMayNotOwn
        await self._tenancy.add_organization(organization, context.user_id)
        return organization

    async def list_organizations(self, context: RequestContext) -> tuple[Organization, ...]:
        """The caller's own, oldest first; only the one that the token is bound to, if it is."""
        bound = context.claims.organization_id
        mine = await self._directory.organizations_of(context.user_id)
        return tuple(one for one in mine if bound in (None, one.organization_id))

    async def update_organization(
        self, context: RequestContext, *, organization_id: OrganizationId, display_name: str
    ) -> Organization:
        """Raises OrganizationNotFound (also for a stranger), ActionNotAllowed, InvalidInput."""
        await role_for(self._tenancy, context, organization_id, Action.EDIT_ORGANIZATION)
        name = checked_display_name(display_name)
        return await self._directory.rename_organization(organization_id, name)

    async def create_space(
        self, context: RequestContext, *, organization_id: OrganizationId, display_name: str
    ) -> Space:
        """The caller becomes its owner; a service, which owns nothing, its admin.

        Raises OrganizationNotFound (also for a stranger), ActionNotAllowed, InvalidInput.
        """
        await role_for(self._tenancy, context, organization_id, Action.CREATE_SPACE)
        space = Space(
            space_id=SpaceId(self._entropy.uuid()),
            organization_id=organization_id,
            display_name=checked_display_name(display_name),
            create_time=self._clock.now(),
        )
        await self._tenancy.add_space(space, context.user_id)
        if context.claims.spaces is not None:
            # The token lists the spaces there were: until it is known to be stale, this is none.
            await self._settle()
        return space

    async def list_spaces(
        self, context: RequestContext, *, organization_id: OrganizationId
    ) -> tuple[Space, ...]:
        """Those that the caller may enter. Raises OrganizationNotFound, also for a stranger."""
        await role_for(self._tenancy, context, organization_id, Action.READ_ORGANIZATION)
        return await self._directory.spaces_of(organization_id, context.user_id)

    async def update_space(self, context: RequestContext, *, display_name: str) -> Space:
        """Rename the request's space. Raises ActionNotAllowed, InvalidInput, SpaceNotFound."""
        space_id = context.space_for(Action.EDIT_SETTINGS)
        if context.space is None:
            raise SpaceNotFound
        name = checked_display_name(display_name)
        return await self._directory.rename_space(context.space.organization_id, space_id, name)
