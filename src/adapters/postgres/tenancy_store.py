"""Organizations, spaces and how people stand in them, in Postgres."""

import asyncpg

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess, standing_in_space
from domain.tenancy.organization import Organization, OrganizationNotFound
from domain.tenancy.space import Space, SpaceNotFound

_SQL = statements("tenancy")


class PostgresTenancyStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add_organization(self, organization: Organization, owner: UserId) -> None:
        async with self._pool.as_user(owner) as connection:
            await connection.execute(
                _SQL["add_organization"],
                organization.organization_id,
                organization.display_name,
                organization.create_time,
            )

    async def add_space(self, space: Space, owner: UserId) -> None:
        async with self._pool.as_user(owner) as connection:
            added = await connection.fetchval(
                _SQL["add_space"],
                space.space_id,
                space.organization_id,
                space.display_name,
                space.create_time,
            )
        if not added:
            raise OrganizationNotFound

    async def role_in(self, organization: OrganizationId, user: UserId) -> Role | None:
        # Confined to the organization: a role in another one must never count in this one.
        async with self._pool.in_organization(organization) as connection:
            role = await connection.fetchval(_SQL["role_in"], organization, user)
        return Role(role) if role else None

    async def access_to(self, space: SpaceId, user: UserId) -> SpaceAccess | None:
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(_SQL["access_to"], space, user)
        return access_of(row) if row is not None else None

    async def standings_of(
        self, user: UserId, organization: OrganizationId | None
    ) -> tuple[SpaceAccess, ...]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(_SQL["standings_of"], user, organization)
        return tuple(access_of(row) for row in rows)

    async def epoch_of(self, user: UserId) -> int:
        async with self._pool.as_identity() as connection:
            epoch = await connection.fetchval(_SQL["epoch_of"], user)
        return int(epoch or 0)


def access_of(row: asyncpg.Record) -> SpaceAccess:
    """A row of `obelisk.standing`, which holds only spaces that the user may enter."""
    inside = Role(row["space_role"]) if row["space_role"] else None
    role = standing_in_space(Role(row["organization_role"]), inside)
    if role is None:
        raise SpaceNotFound
    return SpaceAccess(organization_id=row["organization_id"], space_id=row["space_id"], role=role)
