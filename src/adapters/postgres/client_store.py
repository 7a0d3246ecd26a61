"""The services of an organization, in Postgres."""

from collections.abc import Mapping

import asyncpg

from adapters.postgres.joining import standing_of
from adapters.postgres.pool import Connection, Pool
from adapters.postgres.statements import statements
from domain.identifiers import OrganizationId, SpaceId, UserId
from domain.tenancy.access import Action, Role
from domain.tenancy.client import (
    MAX_SERVICE_CLIENTS,
    KnownClient,
    ServiceClient,
    ServiceClientNotFound,
    TooManyServiceClients,
)
from domain.tenancy.invitation import check_grant
from domain.tenancy.organization import OrganizationNotFound
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
        *,
        giver: UserId,
    ) -> None:
        organization, user = client.organization_id, client.client_id
        async with self._pool.in_organization(organization) as connection:
            await _judge(connection, organization, giver, role, space_roles)
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


async def _judge(
    connection: Connection,
    organization: OrganizationId,
    giver: UserId,
    role: Role,
    space_roles: Mapping[SpaceId, Role],
) -> None:
    await connection.execute(_SQL["lock_members"], organization)
    own, standings = await standing_of(connection, organization, giver)
    if own is None:
        raise OrganizationNotFound
    check_grant(
        giver=own,
        action=Action.MANAGE_CLIENTS,
        standings=standings,
        role=role,
        space_roles=space_roles,
    )
    if await connection.fetchval(_SQL["count_clients"], organization) >= MAX_SERVICE_CLIENTS:
        raise TooManyServiceClients


def _client(row: asyncpg.Record) -> ServiceClient:
    return ServiceClient(
        client_id=UserId(row["client_id"]),
        organization_id=OrganizationId(row["organization_id"]),
        display_name=row["display_name"],
        create_time=row["create_time"],
        revoked=row["revoked"],
    )
