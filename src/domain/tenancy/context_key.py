"""Under which key somebody's standing in a space may be remembered, and what is remembered."""

import hashlib
from dataclasses import dataclass
from functools import cache

from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import (
    INHERITED_ROLES,
    ORGANIZATION_PERMISSIONS,
    SPACE_PERMISSIONS,
    SpaceAccess,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextKey:
    """The only way to name an entry.

    `organization_id` is what the token is bound to, or None; `epoch` the principal's own at the
    time of asking, so that an entry dies with the standing that it tells of; `policy` the rules.
    """

    organization_id: OrganizationId | None
    space_id: SpaceId
    principal: UserId
    epoch: int
    policy: str

    def __str__(self) -> str:
        bound = self.organization_id or "-"
        return f"{bound}:{self.space_id}:{self.principal}:{self.epoch}:{self.policy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedAccess:
    """What was found under `key`; `access` is None for a space that is foreign or missing."""

    key: str
    access: SpaceAccess | None

    def answers(self, key: ContextKey) -> bool:
        """Whether this was found under that very key, and could have been."""
        if self.key != str(key):
            return False
        return self.access is None or (
            self.access.space_id == key.space_id
            and key.organization_id in (None, self.access.organization_id)
        )


def context_key(
    *, organization: OrganizationId | None, space: SpaceId, principal: UserId, epoch: int
) -> ContextKey:
    return ContextKey(
        organization_id=organization,
        space_id=space,
        principal=principal,
        epoch=epoch,
        policy=policy_version(),
    )


@cache
def policy_version() -> str:
    """A digest of the rules themselves: processes that decide differently share no entry."""
    tables = [
        (role.value, sorted(action.value for action in actions))
        for table in (SPACE_PERMISSIONS, ORGANIZATION_PERMISSIONS)
        for role, actions in table.items()
    ]
    inherited = [(outer.value, inner.value) for outer, inner in INHERITED_ROLES.items()]
    return hashlib.sha256(repr((tables, inherited)).encode()).hexdigest()[:12]
