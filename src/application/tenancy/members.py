"""Members of an organization and of its spaces: listed, changed and removed."""

from collections.abc import Awaitable, Callable

from application.context import RequestContext, SpaceHeaderMissing
from application.ports.member_store import MemberStore
from application.ports.tenancy_store import TenancyStore
from application.tenancy.standing import require_inside, role_for
from domain.identifiers import OrganizationId, UserId
from domain.paging import Page, PageRequest
from domain.tenancy.access import Action, Role, SpaceAccess
from domain.tenancy.members import Member


class ManageMembers:
    """Each change holds on the next request everywhere by the time that it is answered.

    `domain.tenancy.members` says who may change what, and what is raised otherwise.
    """

    def __init__(
        self,
        *,
        members: MemberStore,
        tenancy: TenancyStore,
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        """`settle` returns once every process knows what was committed before."""
        self._members = members
        self._tenancy = tenancy
        self._settle = settle

    async def list(
        self, context: RequestContext, *, organization_id: OrganizationId, page: PageRequest
    ) -> Page[Member]:
        """By user id. Raises OrganizationNotFound, also for a stranger."""
        await role_for(self._tenancy, context, organization_id, Action.READ_ORGANIZATION)
        return await self._members.members(organization_id, page)

    async def set(
        self,
        context: RequestContext,
        *,
        organization_id: OrganizationId,
        user_id: UserId,
        role: Role,
    ) -> Member:
        """Give a member another role; an invitation makes new ones."""
        return await self._change(context, organization_id, user_id, role)

    async def remove(
        self, context: RequestContext, *, organization_id: OrganizationId, user_id: UserId
    ) -> None:
        """Remove a member from the organization and from each of its spaces."""
        await self._change(context, organization_id, user_id, None)

    async def list_in_space(self, context: RequestContext, *, page: PageRequest) -> Page[Member]:
        """The members of the request's space by user id, without those whose organization's role
        lets them in."""
        return await self._members.space_members(_space(context, Action.READ), page)

    async def set_in_space(self, context: RequestContext, *, user_id: UserId, role: Role) -> Member:
        """Give a member of the organization a role in the request's space."""
        return await self._change_in_space(context, user_id, role)

    async def remove_from_space(self, context: RequestContext, *, user_id: UserId) -> None:
        """Remove a member from the request's space; they stay in the organization."""
        await self._change_in_space(context, user_id, None)

    async def _change(
        self,
        context: RequestContext,
        organization_id: OrganizationId,
        user_id: UserId,
        role: Role | None,
    ) -> Member:
        require_inside(context, organization_id)
        changed = await self._members.change(organization_id, context.user_id, user_id, role)
        await self._settle()
        return changed

    async def _change_in_space(
        self, context: RequestContext, user_id: UserId, role: Role | None
    ) -> Member:
        space = _space(context, Action.MANAGE_SPACE_MEMBERS)
        changed = await self._members.change_in_space(space, context.user_id, user_id, role)
        await self._settle()
        return changed


def _space(context: RequestContext, action: Action) -> SpaceAccess:
    context.space_for(action)
    if context.space is None:
        raise SpaceHeaderMissing
    return context.space
