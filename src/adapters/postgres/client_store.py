"""The services of an organization, in Postgres."""

from collections.abc import Mapping

import asyncpg

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Role
from domain.tenancy.client import KnownClient, ServiceClient, ServiceClientNotFound
from domain.tenancy.space import SpaceNotFound

_SQL = statements("members")
_BY_STRENGTH = [role.value for role in Role]


class PostgresClientStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(
        self,
        client: ServiceClient,
        secret_hash: bytes,
        role: Role,
        space_roles: Mapping[SpaceId, Role],
    ) -> None:
        organization, user = client.organization_id, client.client_id
        async with self._pool.in_organization(organization) as connection:
            await connection.execute(
                _SQL["add_client"],
                organization,
                user,
                client.display_name,
                secret_hash,
                client.create_time,
            )
            await connection.execute(_SQL["join"], organization, user, role.value, _BY_STRENGTH)
            try:
                await connection.executemany(
                    _SQL["set_space_role"],
                    [
                        (space, organization, user, inside.value)
                        for space, inside in sorted(space_roles.items())
                    ],
                )
            except asyncpg.ForeignKeyViolationError as error:
                raise SpaceNotFound from error

    async def list(self, organization: OrganizationId) -> tuple[ServiceClient, ...]:
        async with self._pool.in_organization(organization) as connection:
            rows = await connection.fetch(_SQL["clients"], organization)
        return tuple(_client(row) for row in rows)

    async def revoke(self, organization: OrganizationId, client: UserId) -> None:
        async with self._pool.in_organization(organization) as connection:
            done = await connection.execute(_SQL["revoke_client"], organization, client)
            if done.endswith(" 0"):
                raise ServiceClientNotFound
            await connection.execute(_SQL["remove"], organization, client)

    async def client_by_id(self, client: UserId) -> KnownClient | None:
        async with self._pool.as_identity() as connection:
            row = await connection.fetchrow(_SQL["client_by_id"], client)
        if row is None:
            return None
        return KnownClient(client=_client(row), secret_hash=row["secret_hash"])


def _client(row: asyncpg.Record) -> ServiceClient:
    return ServiceClient(
        client_id=UserId(row["client_id"]),
        organization_id=OrganizationId(row["organization_id"]),
        display_name=row["display_name"],
        create_time=row["create_time"],
        revoked=row["revoked"],
    )
