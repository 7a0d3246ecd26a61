"""Organizations and spaces in Postgres."""

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role, SpaceAccess
from domain.tenancy.organization import Organization, OrganizationNotFound
from domain.tenancy.space import Space

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

    async def organizations_of(self, user: UserId) -> tuple[Organization, ...]:
        async with self._pool.as_user(user) as connection:
            rows = await connection.fetch(_SQL["organizations_of"], user)
        return tuple(Organization(**row) for row in rows)

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

    async def spaces_of(self, organization: OrganizationId, user: UserId) -> tuple[Space, ...]:
        async with self._pool.as_user(user) as connection:
            rows = await connection.fetch(_SQL["spaces_of"], organization, user)
        return tuple(Space(**row) for row in rows)

    async def role_in(self, organization: OrganizationId, user: UserId) -> Role | None:
        async with self._pool.as_user(user) as connection:
            role = await connection.fetchval(_SQL["role_in"], organization, user)
        return Role(role) if role else None

    async def access_to(self, space: SpaceId, user: UserId) -> SpaceAccess | None:
        async with self._pool.as_user(user) as connection:
            row = await connection.fetchrow(_SQL["access_to"], space, user)
        if row is None:
            return None
        return SpaceAccess(
            organization_id=row["organization_id"], space_id=row["space_id"], role=Role(row["role"])
        )
