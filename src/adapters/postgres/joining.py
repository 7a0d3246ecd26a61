"""Accepting an invitation: one transaction of whoever it is that joins."""

from collections.abc import Mapping
from datetime import datetime

from adapters.postgres.invitation_store import invitation_of
from adapters.postgres.pool import Connection
from adapters.postgres.statements import statements
from adapters.postgres.tenancy_store import access_of
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role
from domain.tenancy.invitation import Invitation, InvitationNotFound, given_today

_SQL = statements("members")
_TENANCY = statements("tenancy")
_BY_STRENGTH = [role.value for role in Role]


async def accept(
    connection: Connection, token_hash: bytes, user: UserId, now: datetime
) -> Invitation:
    """See `MemberStore.accept`; `connection` is in a transaction as obelisk_identity."""
    seen = await connection.fetchrow(_SQL["invitation_of_token"], token_hash, now)
    if seen is None:
        raise InvitationNotFound
    # Before the invitation's own row: whoever erases an organization locks it first as well.
    await connection.execute(_SQL["lock_members"], seen["organization_id"])
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
    giver, standings = await standing_of(connection, organization, inviter)
    if giver is None or await connection.fetchval(_SQL["is_disabled"], inviter):
        raise InvitationNotFound
    return given_today(invitation, giver, standings)


async def standing_of(
    connection: Connection, organization: OrganizationId, giver: UserId
) -> tuple[Role | None, dict[SpaceId, Role]]:
    """Somebody's role in an organization and those in its spaces, to judge what they give."""
    role = await connection.fetchval(_TENANCY["role_in"], organization, giver)
    rows = await connection.fetch(_TENANCY["standings_of"], giver, organization)
    standings = {access.space_id: access.role for access in map(access_of, rows)}
    return Role(role) if role else None, standings
