"""Accepting an invitation: one transaction of whoever it is that joins."""

from collections.abc import Mapping
from datetime import datetime

from adapters.postgres.invitation_store import invitation_of
from adapters.postgres.pool import Connection
from adapters.postgres.statements import statements
from adapters.postgres.tenancy_store import access_of
from domain.identifiers import SpaceId, UserId
from domain.tenancy.access import Role
from domain.tenancy.invitation import Invitation, InvitationNotFound, given_today

_SQL = statements("members")
_TENANCY = statements("tenancy")
_BY_STRENGTH = [role.value for role in Role]


async def accept(
    connection: Connection, token_hash: bytes, user: UserId, now: datetime
) -> Invitation:
    """See `MemberStore.accept`; `connection` is in a transaction as obelisk_identity."""
    row = await connection.fetchrow(_SQL["invitation_to_accept"], token_hash, now)
    if row is None:
        raise InvitationNotFound
    invitation = invitation_of(row)
    if not await connection.fetchval(_SQL["is_for"], user, invitation.email):
        raise InvitationNotFound
    space_roles = await _still_given(connection, invitation)
    await connection.execute(
        _SQL["join"],
        invitation.organization_id,
        user,
        invitation.role.value,
        _BY_STRENGTH,
    )
    await connection.executemany(
        _SQL["join_space"],
        [
            (space, invitation.organization_id, user, role.value, _BY_STRENGTH)
            for space, role in sorted(space_roles.items())
        ],
    )
    await connection.execute(
        _SQL["use_up"], invitation.organization_id, invitation.invitation_id, now
    )
    return invitation


async def _still_given(connection: Connection, invitation: Invitation) -> Mapping[SpaceId, Role]:
    """The roles in spaces that are still there, if the inviter could give all of it today."""
    organization, inviter = invitation.organization_id, invitation.inviter
    giver = await connection.fetchval(_TENANCY["role_in"], organization, inviter)
    if giver is None or await connection.fetchval(_SQL["is_disabled"], inviter):
        raise InvitationNotFound
    rows = await connection.fetch(_TENANCY["standings_of"], inviter, organization)
    standings = {access.space_id: access.role for access in map(access_of, rows)}
    return given_today(invitation, Role(giver), standings)
