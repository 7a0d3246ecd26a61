"""Who belongs to organizations and spaces, in Postgres."""

from datetime import datetime

import asyncpg

from adapters.postgres.invitation_store import invitation_of
from adapters.postgres.joining import accept
from adapters.postgres.pool import Connection, Pool
from adapters.postgres.statements import statements
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.paging import Page, PageRequest, page_of
from domain.tenancy.access import Role, SpaceAccess, standing_in_space
from domain.tenancy.invitation import Invitation, InvitationNotFound
from domain.tenancy.members import (
    Member,
    MemberNotFound,
    check_member_change,
    check_space_member_change,
)
from domain.tenancy.organization import OrganizationNotFound

_SQL = statements("members")


class PostgresMemberStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def members(self, organization: OrganizationId, page: PageRequest) -> Page[Member]:
        async with self._pool.in_organization(organization) as connection:
            rows = await connection.fetch(
                _SQL["members"], organization, None, None, page.after, page.size + 1
            )
        return page_of([_member(row) for row in rows], page.size, lambda m: m.user_id)

    async def change(
        self, organization: OrganizationId, actor: UserId, user: UserId, role: Role | None
    ) -> Member:
        async with self._pool.in_organization(organization) as connection:
            if await connection.fetchval(_SQL["lock_members"], organization) is None:
                raise OrganizationNotFound
            seen = await connection.fetchrow(_SQL["change_in_view"], organization, actor, user)
            assert seen is not None
            check_member_change(
                actor=_role(seen["actor"]),
                current=_role(seen["current"]),
                new=role,
                other_owners=seen["other_owners"],
                leaving=actor == user and role is None,
                service=seen["service"],
            )
            before = await _named(connection, organization, None, user)
            if role is not None:
                await connection.execute(_SQL["set_role"], organization, user, role.value)
                return await _named(connection, organization, None, user)
            if before.service:
                await connection.execute(_SQL["revoke_client"], organization, user)
            await connection.execute(_SQL["remove"], organization, user)
            return before

    async def space_members(self, space: SpaceAccess, page: PageRequest) -> Page[Member]:
        async with self._pool.in_organization(space.organization_id) as connection:
            rows = await connection.fetch(
                _SQL["members"],
                space.organization_id,
                space.space_id,
                None,
                page.after,
                page.size + 1,
            )
        return page_of([_member(row) for row in rows], page.size, lambda m: m.user_id)

    async def change_in_space(
        self, space: SpaceAccess, actor: UserId, user: UserId, role: Role | None
    ) -> Member:
        organization, place = space.organization_id, space.space_id
        async with self._pool.in_space_of(organization, place) as connection:
            await connection.execute(_SQL["lock_members"], organization)
            seen = await connection.fetchrow(
                _SQL["space_change_in_view"], organization, place, actor, user
            )
            assert seen is not None
            outside, inside = _role(seen["actor_outside"]), _role(seen["actor_inside"])
            standing = standing_in_space(outside, inside) if outside else None
            check_space_member_change(
                actor=standing if seen["space"] else None,
                member=seen["outside"] is not None,
                current=_role(seen["current"]),
                new=role,
                service=seen["service"],
            )
            if role is None:
                before = await _named(connection, organization, place, user)
                await connection.execute(_SQL["remove_from_space"], organization, place, user)
                return before
            await connection.execute(_SQL["set_space_role"], place, organization, user, role.value)
            return await _named(connection, organization, place, user)

    async def invitation(self, token_hash: bytes, now: datetime) -> Invitation:
        async with self._pool.as_identity() as connection:
            row = await connection.fetchrow(_SQL["invitation_of_token"], token_hash, now)
        if row is None:
            raise InvitationNotFound
        return invitation_of(row)

    async def accept(self, token_hash: bytes, user: UserId, now: datetime) -> Invitation:
        async with self._pool.as_identity() as connection:
            return await accept(connection, token_hash, user, now)


async def _named(
    connection: Connection, organization: OrganizationId, space: SpaceId | None, user: UserId
) -> Member:
    row = await connection.fetchrow(_SQL["members"], organization, space, user, None, 1)
    if row is None:
        raise MemberNotFound
    return _member(row)


def _member(row: asyncpg.Record) -> Member:
    return Member(
        user_id=UserId(row["user_id"]),
        email=row["email"],
        display_name=row["display_name"],
        role=Role(row["role"]),
        service=row["service"],
    )


def _role(value: str | None) -> Role | None:
    return Role(value) if value else None
