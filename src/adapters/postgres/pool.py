"""The connection pool, and the transactions of a space or of a user that run on it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeAlias
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from pgvector.asyncpg import register_vector

from adapters.postgres.errors import refusals_explained, translated
from domain.errors import FailedPrecondition

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

APPLICATION_ROLE = "obelisk_app"
_ACQUIRE_SECONDS = 10.0
_COMMAND_SECONDS = 30.0
_STANDING = """
    select r.rolsuper or r.rolbypassrls as above_the_law
    from pg_roles r where r.rolname = current_user
"""


class RoleTooPowerful(FailedPrecondition):
    reason = "DATABASE_ROLE_TOO_POWERFUL"

    def __init__(self) -> None:
        super().__init__(
            "the application's database role could read past row-level security; "
            "connect as a member of obelisk_app that is no superuser and has no BYPASSRLS"
        )


class SchemaMissing(FailedPrecondition):
    reason = "DATABASE_NOT_MIGRATED"

    def __init__(self) -> None:
        super().__init__("the database has not been migrated; run `obelisk migrate` first")


class Pool:
    """Connections as `obelisk_app`. Opened once at start; passed by constructor."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @classmethod
    async def open(cls, dsn: str, *, max_size: int = 16) -> "Pool":
        """Connect and make sure that row-level security holds for this role.

        Raises:
            RoleTooPowerful: it would not.
            SchemaMissing: the database is not migrated.
            DatabaseRefused: the address, the login or its rights are wrong.
            DatabaseUnavailable: nobody answers at `dsn`.
        """
        with translated(), refusals_explained():
            opened = cls(await _connect(dsn, max_size))
        try:
            await opened._check_role()
        except BaseException:
            await opened.close()
            raise
        return opened

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection for statements that set their own space (one round trip)."""
        with translated():
            async with self._pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
                yield connection

    @asynccontextmanager
    async def in_space(self, space: UUID) -> AsyncGenerator[Connection]:
        """A transaction that row-level security confines to `space`."""
        async with self._confined("app.space_id", space) as connection:
            yield connection

    @asynccontextmanager
    async def as_user(self, user: UUID) -> AsyncGenerator[Connection]:
        """A transaction that sees the identity rows of `user` and nobody else's."""
        async with self._confined("app.user_id", user) as connection:
            yield connection

    @asynccontextmanager
    async def in_organization(self, organization: UUID) -> AsyncGenerator[Connection]:
        """A transaction that sees one organization's members, invitations, services and log."""
        async with self._confined("app.organization_id", organization) as connection:
            yield connection

    @asynccontextmanager
    async def as_identity(self) -> AsyncGenerator[Connection]:
        """A transaction that may ask who somebody is, and sees no content of any tenant."""
        async with self.connection() as connection, connection.transaction():
            await connection.execute("set local role obelisk_identity")
            yield connection

    @asynccontextmanager
    async def _confined(self, setting: str, value: UUID) -> AsyncGenerator[Connection]:
        async with self.connection() as connection, connection.transaction():
            await connection.execute("select set_config($1, $2, true)", setting, str(value))
            yield connection

    async def _check_role(self) -> None:
        async with self.connection() as connection:
            if await connection.fetchval(_STANDING) is not False:
                raise RoleTooPowerful


async def _connect(dsn: str, max_size: int) -> "asyncpg.Pool[asyncpg.Record]":
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=max_size,
            init=_register_vector,
            timeout=_ACQUIRE_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            server_settings={"role": APPLICATION_ROLE, "application_name": "obelisk"},
        )
    except asyncpg.InvalidParameterValueError as error:
        raise SchemaMissing from error


async def _register_vector(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    try:
        await register_vector(connection)
    except ValueError as error:
        raise SchemaMissing from error
