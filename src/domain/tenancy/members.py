"""Who belongs to an organization and its spaces, and who may change that."""

from dataclasses import dataclass

from domain.errors import FailedPrecondition, NotFound, PermissionDenied
from domain.identifiers import UserId
from domain.tenancy.access import (
    Action,
    Role,
    outranks,
    require,
    require_in_organization,
)
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound


class MemberNotFound(NotFound):
    """Also for somebody who exists elsewhere: who asks learns nothing about other organizations."""

    reason = "MEMBER_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such member", field="user_id")


class LastOwner(FailedPrecondition):
    reason = "LAST_OWNER"

    def __init__(self) -> None:
        super().__init__("an organization keeps its last owner; make somebody else one first")


class RoleAboveOwn(PermissionDenied):
    reason = "ROLE_ABOVE_OWN"

    def __init__(self, own: Role, above: Role) -> None:
        super().__init__(
            f"the role {own.value!r} neither gives nor takes {above.value!r}",
            metadata={"role": own.value, "above": above.value},
        )


class ServiceMayNotOwn(PermissionDenied):
    """Whoever owns is the last resort of an organization or a space, so it is a person."""

    reason = "SERVICE_MAY_NOT_OWN"

    def __init__(self) -> None:
        super().__init__("a service cannot own an organization or a space")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person, or a service, which has no email."""

    user_id: UserId
    email: str
    display_name: str
    role: Role
    service: bool


def check_rank(actor: Role, *roles: Role | None) -> None:
    """Raise RoleAboveOwn when one of `roles` is stronger than the actor's own.

    So only owners make and unmake owners, and nobody raises anybody above themself.
    """
    for role in roles:
        if role is not None and outranks(role, actor):
            raise RoleAboveOwn(actor, role)


def check_member_change(
    *,
    actor: Role | None,
    current: Role | None,
    new: Role | None,
    other_owners: int,
    service: bool,
    leaving: bool = False,
) -> None:
    """Whether `actor` may turn a member's role `current` into `new`; None is no membership.

    `other_owners` counts the owners besides this member who are not disabled, `service` says what
    the member is, and `leaving` that the actor removes themself: everybody may.

    Raises:
        OrganizationNotFound: the actor is no member.
        ActionNotAllowed: the actor does not manage members.
        MemberNotFound: there is nobody to change.
        RoleAboveOwn: see `check_rank`.
        ServiceMayNotOwn: a service would become an owner.
        LastOwner: nobody would own the organization.
    """
    if actor is None:
        raise OrganizationNotFound
    if not leaving:
        require_in_organization(actor, Action.MANAGE_MEMBERS)
    if current is None:
        raise MemberNotFound
    check_rank(actor, current, new)
    if service and new is Role.OWNER:
        raise ServiceMayNotOwn
    if current is Role.OWNER and new is not Role.OWNER and other_owners < 1:
        raise LastOwner


def check_space_member_change(
    *, actor: Role | None, member: bool, current: Role | None, new: Role | None, service: bool
) -> None:
    """Whether `actor`, by the role that counts in the space, may turn `current` into `new`.

    `member` says whether the person belongs to the organization at all.

    Raises:
        SpaceNotFound: the actor may not enter the space.
        ActionNotAllowed: the actor does not manage its members.
        MemberNotFound: no member of the organization, or nobody to remove.
        RoleAboveOwn: see `check_rank`.
        ServiceMayNotOwn: a service would become an owner.
    """
    if actor is None:
        raise SpaceNotFound
    require(actor, Action.MANAGE_SPACE_MEMBERS)
    if not member or (current is None and new is None):
        raise MemberNotFound
    check_rank(actor, current, new)
    if service and new is Role.OWNER:
        raise ServiceMayNotOwn
