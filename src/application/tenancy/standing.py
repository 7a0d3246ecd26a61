"""Whether a caller may act in an organization that the request names."""

from application.context import RequestContext
from application.ports.tenancy_store import TenancyStore
from domain.identifiers import OrganizationId
from domain.tenancy.access import Action, Role, require_in_organization
from domain.tenancy.organization import OrganizationNotFound


def require_inside(context: RequestContext, organization_id: OrganizationId) -> None:
    """Raise OrganizationNotFound when the token is bound to another organization."""
    if context.claims.organization_id not in (None, organization_id):
        raise OrganizationNotFound


async def role_for(
    tenancy: TenancyStore, context: RequestContext, organization_id: OrganizationId, action: Action
) -> Role:
    """The caller's role in the organization, as it is now, once it is known to allow `action`.

    Raises:
        OrganizationNotFound: there is none, the caller is a stranger there, or the token is bound
            to another one: all alike.
        ActionNotAllowed: a member, whose role does not include the action.
    """
    require_inside(context, organization_id)
    role = await tenancy.role_in(organization_id, context.user_id)
    if role is None:
        raise OrganizationNotFound
    require_in_organization(role, action)
    return role
