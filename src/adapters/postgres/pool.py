"""The connection pool, and the transactions of a space or of a user that run on it."""

import asyncio
import logging
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
_CLOSE_SECONDS = 5.0
_log = logging.getLogger(__name__)
_SET = "select set_config($1, $2, true)"
_STANDING = """
    select r.rolsuper or r.rolbypassrls
           or pg_has_role(current_user, 'obelisk_search', 'usage')
           or pg_has_role(current_user, 'obelisk_system', 'usage')
           or pg_has_role(current_user, 'obelisk_identity', 'usage') as above_the_law,
           pg_has_role(current_user, 'obelisk_app', 'usage') as let_in
    from pg_roles r where r.rolname = current_user
"""


class RoleTooPowerful(FailedPrecondition):
    reason = "DATABASE_ROLE_TOO_POWERFUL"

    def __init__(self) -> None:
        super().__init__(
            "the application's database role could read past row-level security; "
            "connect as a member of obelisk_app, and of no other role of Obelisk's, that is no "
            "superuser and has no BYPASSRLS"
        )


class LoginNotLetIn(FailedPrecondition):
    reason = "DATABASE_LOGIN_NOT_LET_IN"

    def __init__(self) -> None:
        super().__init__(
            "behind a pooler the login itself must have the rights of obelisk_app; "
            "`grant obelisk_app to` it, and let it inherit"
        )


class PoolerUnannounced(FailedPrecondition):
    reason = "DATABASE_POOLER_UNANNOUNCED"

    def __init__(self) -> None:
        super().__init__(
            "the address of the application's database leads to a pooler, which refuses to set a "
            "role; set OBELISK_DATABASE_POOLER=true"
        )


class SchemaMissing(FailedPrecondition):
    reason = "DATABASE_NOT_MIGRATED"

    def __init__(self) -> None:
        super().__init__("the database has not been migrated; run `obelisk migrate` first")


class Pool:
    """Connections as `obelisk_app`. Opened once at start; passed by constructor.

    Behind a pooler in transaction mode a session is nobody's: each statement stands in a
    transaction, none is prepared by name, and the login itself is a member of `obelisk_app`.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, pooler: bool = False) -> None:
        self._pool = pool
        self._pooler = pooler

    @classmethod
    async def open(cls, dsn: str, *, max_size: int = 16, pooler: bool = False) -> "Pool":
        """Connect and make sure that row-level security holds for this role.

        `pooler` says that `dsn` leads to one in transaction mode, such as PgBouncer.

        Raises:
            RoleTooPowerful: it would not.
            LoginNotLetIn: a pooler's login has not the rights of obelisk_app.
            PoolerUnannounced: `dsn` leads to a pooler, and `pooler` is not given.
            SchemaMissing: the database is not migrated.
            DatabaseRefused: the address, the login or its rights are wrong.
            DatabaseUnavailable: nobody answers at `dsn`.
        """
        with translated(), refusals_explained():
            connect = _connect_to_pooler if pooler else _connect
            opened = cls(await connect(dsn, max_size), pooler=pooler)
        try:
            await opened._check_role()
        except BaseException:
            await opened.close()
            raise
        return opened

    async def close(self, *, patience: float = _CLOSE_SECONDS) -> None:
        """Close every connection; those still in use after `patience` seconds are cut off."""
        try:
            async with asyncio.timeout(patience):
                await self._pool.close()
        except TimeoutError:
            _log.warning("connections to the database were still in use, and are cut off")
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection for statements that set their own space (one round trip)."""
        async with self._transaction() if self._pooler else self._acquired() as connection:
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
    async def in_space_of(self, organization: UUID, space: UUID) -> AsyncGenerator[Connection]:
        """As `in_organization`, and of the organization's spaces and their members one alone."""
        async with self.in_organization(organization) as connection:
            await connection.execute(_SET, "app.space_id", str(space))
            yield connection

    @asynccontextmanager
    async def as_identity(self) -> AsyncGenerator[Connection]:
        """A transaction that may ask who somebody is, and sees no content of any tenant."""
        async with self._transaction() as connection:
            await connection.execute("set local role obelisk_identity")
            yield connection

    @asynccontextmanager
    async def _confined(self, setting: str, value: UUID) -> AsyncGenerator[Connection]:
        async with self._transaction() as connection:
            await connection.execute(_SET, setting, str(value))
            yield connection

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[Connection]:
        async with self._acquired() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def _acquired(self) -> AsyncGenerator[Connection]:
        with translated():
            async with self._pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
                yield connection

    async def _check_role(self) -> None:
        async with self.connection() as connection:
            try:
                standing = await connection.fetchrow(_STANDING)
            except asyncpg.UndefinedObjectError as error:
                raise SchemaMissing from error
        if standing is None or standing["above_the_law"] is not False:
            raise RoleTooPowerful
        if not standing["let_in"]:
            raise LoginNotLetIn


async def _connect(dsn: str, max_size: int) -> "asyncpg.Pool[asyncpg.Record]":
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=max_size,
            init=_register_vector,
            reset=_leave_as_it_is,
            timeout=_ACQUIRE_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            server_settings={"role": APPLICATION_ROLE, "application_name": "obelisk"},
        )
    except asyncpg.InvalidParameterValueError as error:
        raise SchemaMissing from error
    except asyncpg.ProtocolViolationError as error:
        if "startup parameter" in str(error):
            raise PoolerUnannounced from error
        raise


async def _connect_to_pooler(dsn: str, max_size: int) -> "asyncpg.Pool[asyncpg.Record]":
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=max_size,
        init=_register_vector_in_transaction,
        reset=_leave_as_it_is,
        statement_cache_size=0,
        timeout=_ACQUIRE_SECONDS,
        command_timeout=_COMMAND_SECONDS,
        server_settings={"application_name": "obelisk"},
    )


async def _leave_as_it_is(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nothing here outlives a transaction, and asyncpg itself rolls back one that was left open.

    Undoing what was never done would cost a round trip for each use of a connection.
    """


async def _register_vector_in_transaction(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    async with connection.transaction():
        await _register_vector(connection)


async def _register_vector(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    try:
        await register_vector(connection)
    except ValueError as error:
        raise SchemaMissing from error
