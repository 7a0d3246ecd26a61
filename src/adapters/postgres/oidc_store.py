"""Sign-ins at OpenID providers in Postgres."""

from datetime import datetime

from adapters.postgres.pool import Pool
from adapters.postgres.statements import statements
from domain.identifiers import UserId

_SQL = statements("oidc")


class PostgresOidcStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(
        self,
        state_hash: bytes,
        provider: str,
        sealed: bytes,
        expire_time: datetime,
        *,
        now: datetime,
    ) -> None:
        async with self._pool.as_identity() as connection:
            await connection.execute(_SQL["sweep_flows"], now)
            await connection.execute(_SQL["begin"], state_hash, provider, sealed, expire_time)

    async def take(self, state_hash: bytes, now: datetime) -> tuple[str, bytes] | None:
        async with self._pool.as_identity() as connection:
            row = await connection.fetchrow(_SQL["take"], state_hash)
            await connection.execute(_SQL["sweep_flows"], now)
        if row is None or row["expire_time"] <= now:
            return None
        return row["provider"], row["sealed"]

    async def user_of(self, issuer: str, subject: str) -> UserId | None:
        async with self._pool.as_identity() as connection:
            found = await connection.fetchval(_SQL["user_of"], issuer, subject)
        return UserId(found) if found is not None else None

    async def issuers_of(self, user: UserId) -> frozenset[str]:
        async with self._pool.as_identity() as connection:
            rows = await connection.fetch(_SQL["issuers_of"], user)
        return frozenset(row["provider"] for row in rows)

    async def link(self, issuer: str, subject: str, user: UserId) -> UserId | None:
        async with self._pool.as_identity() as connection:
            await connection.execute(_SQL["lock_account"], user)
            await connection.execute(_SQL["link"], issuer, subject, user)
            found = await connection.fetchval(_SQL["user_of"], issuer, subject)
        return UserId(found) if found is not None else None

    async def open_invitations(self, email: str, now: datetime) -> tuple[bytes, ...]:
        async with self._pool.as_identity() as connection:
            rows = await connection.fetch(_SQL["open_invitations"], email, now)
        return tuple(row["token_hash"] for row in rows)
