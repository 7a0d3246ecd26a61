"""Who may do what: roles, actions, and one table that joins them."""

from dataclasses import dataclass
from enum import Enum

from domain.errors import PermissionDenied
from domain.identifiers import OrganizationId, SpaceId


class Role(Enum):
    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    REVIEWER = "reviewer"
    VIEWER = "viewer"


class Action(Enum):
    READ = "read"
    ASK = "ask"
    EDIT_DOCUMENTS = "edit_documents"
    EDIT_SETTINGS = "edit_settings"
    CREATE_SPACE = "create_space"


_READERS = frozenset({Action.READ})
_EDITORS = _READERS | {Action.ASK, Action.EDIT_DOCUMENTS}
_ADMINS = _EDITORS | {Action.EDIT_SETTINGS, Action.CREATE_SPACE}

PERMISSIONS: dict[Role, frozenset[Action]] = {
    Role.OWNER: _ADMINS,
    Role.ADMIN: _ADMINS,
    Role.EDITOR: _EDITORS,
    Role.REVIEWER: _READERS,
    Role.VIEWER: _READERS,
}


class ActionNotAllowed(PermissionDenied):
    reason = "ACTION_NOT_ALLOWED"

    def __init__(self, role: Role, action: Action) -> None:
        super().__init__(
            f"the role {role.value!r} does not allow {action.value!r}",
            metadata={"role": role.value, "action": action.value},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceAccess:
    """A principal's standing in one space, as the membership tables tell it."""

    organization_id: OrganizationId
    space_id: SpaceId
    role: Role


def require(role: Role, action: Action) -> None:
    """Raise ActionNotAllowed unless `role` includes `action`."""
    if action not in PERMISSIONS[role]:
        raise ActionNotAllowed(role, action)
