"""What organizations and spaces are called, in Postgres."""

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.organization import Organization, OrganizationNotFound
from domain.tenancy.space import Space, SpaceNotFound

_SQL = statements("tenancy")


class PostgresTenantDirectory:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def organizations_of(self, user: UserId) -> tuple[Organization, ...]:
        async with self._pool.as_user(user) as connection:
            rows = await connection.fetch(_SQL["organizations_of"], user)
        return tuple(Organization(**row) for row in rows)

    async def spaces_of(self, organization: OrganizationId, user: UserId) -> tuple[Space, ...]:
        async with self._pool.in_organization(organization) as connection:
            rows = await connection.fetch(_SQL["spaces_of"], organization, user)
        return tuple(Space(**row) for row in rows)

    async def rename_organization(
        self, organization: OrganizationId, display_name: str
    ) -> Organization:
        async with self._pool.in_organization(organization) as connection:
            row = await connection.fetchrow(_SQL["rename_organization"], organization, display_name)
        if row is None:
            raise OrganizationNotFound
        return Organization(**row)

    async def rename_space(
        self, organization: OrganizationId, space: SpaceId, display_name: str
    ) -> Space:
        async with self._pool.in_space_of(organization, space) as connection:
            row = await connection.fetchrow(_SQL["rename_space"], organization, space, display_name)
        if row is None:
            raise SpaceNotFound
        return Space(**row)
