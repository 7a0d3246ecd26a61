"""Sessions and refresh tokens in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from adapters.postgres.authority_feed import tell
from adapters.postgres.pool import Connection, Pool
from adapters.postgres.statements import statements
from domain.auth.account import UserNotFound
from domain.auth.revocation import KEPT_FOR, all_revoked, user_revoked
from domain.auth.session import (
    MAX_OPEN_SESSIONS,
    RefreshToken,
    RefreshTokenRejected,
    Renewal,
    Session,
    SessionNotFound,
    SessionRefused,
)
from domain.identifiers import OrganizationId, SessionId, UserId
from domain.tenancy.organization import OrganizationNotFound

_SQL = statements("sessions")


class PostgresSessionStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open(self, session: Session, refresh: RefreshToken | None) -> None:
        async with self._pool.as_identity() as connection:
            await connection.execute(_SQL["opening"], session.user_id)
            if await _closed(connection, session.user_id):
                raise SessionRefused
            await connection.execute(
                _SQL["open"],
                session.session_id,
                session.user_id,
                session.organization_id,
                session.address,
                session.user_agent,
                session.create_time,
                session.expire_time,
            )
            if refresh is not None:
                await _keep(connection, session.session_id, refresh)
            await _end_excess(connection, session.user_id, session.create_time)
            await connection.execute(_SQL["sweep_changes"])
            await connection.execute(_SQL["sweep_sessions"])

    async def rotate(
        self,
        token_hash: bytes,
        successor: RefreshToken,
        organization: OrganizationId | None,
        now: datetime,
    ) -> Renewal | None:
        async with self._pool.as_identity() as connection:
            row = await connection.fetchrow(_SQL["by_refresh"], token_hash)
            if row is None:
                raise RefreshTokenRejected
            if row["use_time"] is not None:
                await connection.execute(_SQL["end"], row["session_id"], row["user_id"], now)
                await _tell_sessions(connection, [row["session_id"]], now)
                return None
            return await self._renew(connection, row, token_hash, successor, organization, now)

    async def open_sessions(self, user: UserId, now: datetime) -> tuple[Session, ...]:
        async with self._pool.as_identity() as connection:
            rows = await connection.fetch(_SQL["open_sessions"], user, now)
        return tuple(Session(**row) for row in rows)

    async def end(self, user: UserId, session: SessionId, now: datetime) -> None:
        async with self._pool.as_identity() as connection:
            if await connection.fetchval(_SQL["end"], session, user, now) is None:
                raise SessionNotFound
            await _tell_sessions(connection, [session], now)

    async def end_all(self, user: UserId, *, spare: SessionId | None, now: datetime) -> int:
        async with self._pool.as_identity() as connection:
            return await _end_all(connection, user, spare, now)

    async def revoke_user(self, user: UserId, *, disable: bool, now: datetime) -> int:
        async with self._pool.as_identity() as connection:
            principal = await connection.fetchrow(_SQL["principal"], user)
        if principal is None:
            raise UserNotFound
        if disable and principal["service_of"] is not None:
            async with self._pool.in_organization(principal["service_of"]) as connection:
                await connection.execute(_SQL["revoke_client"], principal["service_of"], user, now)
        async with self._pool.as_identity() as connection:
            ended = await _end_all(connection, user, None, now)
            if disable:
                await connection.execute(_SQL["disable"], user)
            await tell(connection, user_revoked(user, now))
        return ended

    async def _renew(
        self,
        connection: Connection,
        row: asyncpg.Record,
        token_hash: bytes,
        successor: RefreshToken,
        organization: OrganizationId | None,
        now: datetime,
    ) -> Renewal:
        over = min(row["expire_time"], row["refresh_expire_time"]) <= now
        principal = await connection.fetchrow(_SQL["principal"], row["user_id"])
        if over or row["revoke_time"] is not None or principal is None or principal["closed"]:
            raise RefreshTokenRejected
        if organization is not None:
            if not await connection.fetchval(_SQL["is_member"], organization, row["user_id"]):
                raise OrganizationNotFound
            await connection.execute(_SQL["bind"], row["session_id"], organization)
        await connection.execute(_SQL["use_refresh"], token_hash, now)
        await _keep(connection, row["session_id"], successor)
        session = Session(
            session_id=row["session_id"],
            user_id=row["user_id"],
            organization_id=organization or row["organization_id"],
            address=row["address"],
            user_agent=row["user_agent"],
            create_time=row["create_time"],
            expire_time=row["expire_time"],
        )
        return Renewal(session=session, operator=principal["operator"])


async def _closed(connection: Connection, user: UserId) -> bool:
    principal = await connection.fetchrow(_SQL["principal"], user)
    return principal is None or bool(principal["closed"])


async def _keep(connection: Connection, session: UUID, refresh: RefreshToken) -> None:
    await connection.execute(_SQL["keep_refresh"], refresh.token_hash, session, refresh.expire_time)


async def _end_all(
    connection: Connection, user: UserId, spare: SessionId | None, now: datetime
) -> int:
    await connection.execute(_SQL["ending"], user)
    await connection.execute(_SQL["renewing"], user)
    rows = await connection.fetch(_SQL["end_all"], user, spare, now)
    if spare is not None:
        await _tell_sessions(connection, [row["session_id"] for row in rows], now)
    else:
        touched = {SessionId(row["session_id"]): row["touch_time"] for row in rows}
        for change in all_revoked(user, touched, now):
            await tell(connection, change)
    return sum(row["was_open"] for row in rows)


async def _end_excess(connection: Connection, user: UserId, now: datetime) -> None:
    rows = await connection.fetch(_SQL["end_excess"], user, now, MAX_OPEN_SESSIONS)
    if rows:
        await _tell_sessions(connection, [row["session_id"] for row in rows], now)


async def _tell_sessions(connection: Connection, sessions: Sequence[UUID], now: datetime) -> None:
    await connection.execute(_SQL["tell_sessions"], sessions, now + KEPT_FOR)
