"""Invitations in Postgres."""

import json
from datetime import datetime
from uuid import UUID

import asyncpg

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.identifiers import InvitationId, OrganizationId, SpaceId, UserId
from domain.paging import Page, PageRequest, page_of
from domain.tenancy.access import Role
from domain.tenancy.invitation import (
    MAX_OPEN_INVITATIONS,
    Invitation,
    InvitationNotFound,
    TooManyInvitations,
)
from domain.tenancy.organization import OrganizationNotFound

_SQL = statements("members")


class PostgresInvitationStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, invitation: Invitation, token_hash: bytes) -> None:
        space_roles = {str(space): role.value for space, role in invitation.space_roles.items()}
        home = invitation.organization_id
        async with self._pool.in_organization(home) as connection:
            if await connection.fetchval(_SQL["lock_members"], home) is None:
                raise OrganizationNotFound
            now = invitation.create_time
            count = await connection.fetchval(_SQL["count_invitations"], home, now)
            if count >= MAX_OPEN_INVITATIONS:
                raise TooManyInvitations
            await connection.execute(
                _SQL["add_invitation"],
                invitation.organization_id,
                invitation.invitation_id,
                invitation.email,
                invitation.role.value,
                json.dumps(space_roles),
                token_hash,
                invitation.inviter,
                invitation.create_time,
                invitation.expire_time,
            )

    async def list_open(
        self, organization: OrganizationId, now: datetime, page: PageRequest
    ) -> Page[Invitation]:
        async with self._pool.in_organization(organization) as connection:
            rows = await connection.fetch(
                _SQL["open_invitations"], organization, now, page.after, page.size + 1
            )
        found = [invitation_of(row) for row in rows]
        return page_of(found, page.size, lambda i: i.invitation_id)

    async def revoke(
        self, organization: OrganizationId, invitation: InvitationId, now: datetime
    ) -> None:
        async with self._pool.in_organization(organization) as connection:
            done = await connection.execute(
                _SQL["revoke_invitation"], organization, invitation, now
            )
        if done.endswith(" 0"):
            raise InvitationNotFound


def invitation_of(row: asyncpg.Record) -> Invitation:
    space_roles = json.loads(row["space_roles"])
    return Invitation(
        invitation_id=InvitationId(row["invitation_id"]),
        organization_id=OrganizationId(row["organization_id"]),
        email=row["email"],
        role=Role(row["role"]),
        space_roles={SpaceId(UUID(space)): Role(role) for space, role in space_roles.items()},
        inviter=UserId(row["inviter"]),
        create_time=row["create_time"],
        expire_time=row["expire_time"],
    )
