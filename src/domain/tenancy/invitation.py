"""Somebody asked to join an organization, and what whoever asks can give."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import InvalidInput, NotFound, PermissionDenied, QuotaExceeded
from domain.identifiers import InvitationId, OrganizationId, SpaceId, UserId
from domain.tenancy.access import Action, Role, require_in_organization
from domain.tenancy.members import check_rank
from domain.tenancy.space import SpaceNotFound

LIFETIME = timedelta(days=7)
MAX_SPACE_ROLES = 100
MAX_OPEN_INVITATIONS = 200


class InvitationNotFound(NotFound):
    """One answer for a token or an id that is unknown, used, revoked, too old or not for them."""

    reason = "INVITATION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("no such invitation, or it is no longer open; ask for a new one")


class TooManyInvitations(QuotaExceeded):
    reason = "TOO_MANY_INVITATIONS"

    def __init__(self) -> None:
        super().__init__(
            f"an organization has at most {MAX_OPEN_INVITATIONS} open invitations; revoke some, "
            "or wait until they were accepted or are over"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """`email` is in its normal form; `space_roles` are in spaces of the organization."""

    invitation_id: InvitationId
    organization_id: OrganizationId
    email: str
    role: Role
    space_roles: Mapping[SpaceId, Role]
    inviter: UserId
    create_time: datetime
    expire_time: datetime


def digest_of(secret: str) -> bytes:
    """SHA-256 of a random secret of 256 bits: what is kept of an invitation or a service."""
    return hashlib.sha256(secret.encode()).digest()


def space_roles_of(pairs: Iterable[tuple[SpaceId, Role]]) -> dict[SpaceId, Role]:
    """Raises InvalidInput for a space that stands twice, and for too many."""
    given = list(pairs)
    roles = dict(given)
    if len(given) > MAX_SPACE_ROLES:
        raise InvalidInput(
            f"space_roles has {len(given)} entries; at most {MAX_SPACE_ROLES}", field="space_roles"
        )
    if len(roles) < len(given):
        raise InvalidInput("space_roles names a space twice", field="space_roles")
    return roles


def check_grant(
    *,
    giver: Role,
    action: Action,
    standings: Mapping[SpaceId, Role],
    role: Role,
    space_roles: Mapping[SpaceId, Role],
) -> None:
    """Whether somebody can give `role` in the organization and `space_roles` in its spaces.

    `giver` is their own role in the organization, `standings` are the ones in its spaces.

    Raises:
        ActionNotAllowed: their role does not include `action`.
        SpaceNotFound: a space of another organization, or of none.
        RoleAboveOwn: more than they have themself.
    """
    require_in_organization(giver, action)
    check_rank(giver, role)
    for space, inside in space_roles.items():
        if space not in standings:
            raise SpaceNotFound
        check_rank(standings[space], inside)


def given_today(
    invitation: Invitation, giver: Role, standings: Mapping[SpaceId, Role]
) -> dict[SpaceId, Role]:
    """What the invitation still gives in spaces; `giver` and `standings` are the inviter's now.

    Spaces that are gone are passed over. Raises InvitationNotFound when the inviter could not give
    all of the rest today: whoever was removed leaves no way back in behind.
    """
    left = {space: role for space, role in invitation.space_roles.items() if space in standings}
    try:
        check_grant(
            giver=giver,
            action=Action.MANAGE_MEMBERS,
            standings=standings,
            role=invitation.role,
            space_roles=left,
        )
    except PermissionDenied:
        raise InvitationNotFound from None
    return left
