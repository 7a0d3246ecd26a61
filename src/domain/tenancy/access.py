"""Who may do what: roles at two levels, actions, and one table for each level.

Owners and admins of an organization are the same in each of its spaces; every other role in the
organization says nothing about its spaces, where a membership of the space decides.
"""

from dataclasses import dataclass
from enum import Enum

from domain.errors import PermissionDenied
from domain.identifiers import OrganizationId, SpaceId


class Role(Enum):
    """Strongest first: each includes the ones after it."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    REVIEWER = "reviewer"
    VIEWER = "viewer"


class Action(Enum):
    """What can be done in a space, then what can be done in an organization."""

    READ = "read"
    ASK = "ask"
    REVIEW = "review"
    EDIT_DOCUMENTS = "edit_documents"
    EDIT_SETTINGS = "edit_settings"
    MANAGE_SPACE_MEMBERS = "manage_space_members"
    DELETE_SPACE = "delete_space"

    READ_ORGANIZATION = "read_organization"
    EDIT_ORGANIZATION = "edit_organization"
    CREATE_SPACE = "create_space"
    MANAGE_MEMBERS = "manage_members"
    MANAGE_CLIENTS = "manage_clients"
    READ_AUDIT = "read_audit"
    DELETE_ORGANIZATION = "delete_organization"


_READERS = frozenset({Action.READ})
_REVIEWERS = _READERS | {Action.REVIEW}
_EDITORS = _REVIEWERS | {Action.ASK, Action.EDIT_DOCUMENTS}
_ADMINS = _EDITORS | {Action.EDIT_SETTINGS, Action.MANAGE_SPACE_MEMBERS}

SPACE_PERMISSIONS: dict[Role, frozenset[Action]] = {
    Role.OWNER: _ADMINS | {Action.DELETE_SPACE},
    Role.ADMIN: _ADMINS,
    Role.EDITOR: _EDITORS,
    Role.REVIEWER: _REVIEWERS,
    Role.VIEWER: _READERS,
}

_MEMBERS = frozenset({Action.READ_ORGANIZATION})
_HEADS = _MEMBERS | {
    Action.EDIT_ORGANIZATION,
    Action.CREATE_SPACE,
    Action.MANAGE_MEMBERS,
    Action.MANAGE_CLIENTS,
    Action.READ_AUDIT,
}

ORGANIZATION_PERMISSIONS: dict[Role, frozenset[Action]] = {
    Role.OWNER: _HEADS | {Action.DELETE_ORGANIZATION},
    Role.ADMIN: _HEADS,
    Role.EDITOR: _MEMBERS,
    Role.REVIEWER: _MEMBERS,
    Role.VIEWER: _MEMBERS,
}

# What a role in the organization is worth in each of its spaces; others are worth nothing there.
INHERITED_ROLES = {Role.OWNER: Role.OWNER, Role.ADMIN: Role.ADMIN}


class ActionNotAllowed(PermissionDenied):
    reason = "ACTION_NOT_ALLOWED"

    def __init__(self, role: Role, action: Action) -> None:
        super().__init__(
            f"the role {role.value!r} does not allow {action.value!r}",
            metadata={"role": role.value, "action": action.value},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceAccess:
    """A principal's standing in one space."""

    organization_id: OrganizationId
    space_id: SpaceId
    role: Role


def outranks(one: Role, other: Role) -> bool:
    """Whether `one` is the stronger of two different roles."""
    order = list(Role)
    return order.index(one) < order.index(other)


def stronger(one: Role, other: Role | None) -> Role:
    """The one of two roles that includes the other."""
    return other if other is not None and outranks(other, one) else one


def standing_in_space(organization_role: Role, space_role: Role | None) -> Role | None:
    """The role that counts in a space, the stronger of the two; None for a stranger there."""
    inherited = INHERITED_ROLES.get(organization_role)
    return stronger(inherited, space_role) if inherited is not None else space_role


def require(role: Role, action: Action) -> None:
    """Raise ActionNotAllowed unless `role` in a space includes `action`."""
    if action not in SPACE_PERMISSIONS[role]:
        raise ActionNotAllowed(role, action)


def require_in_organization(role: Role, action: Action) -> None:
    """Raise ActionNotAllowed unless `role` in an organization includes `action`."""
    if action not in ORGANIZATION_PERMISSIONS[role]:
        raise ActionNotAllowed(role, action)
