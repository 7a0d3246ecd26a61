"""Sealed signing keys in Postgres."""

import json

import asyncpg

from adapters.postgres.pool import Connection, Pool
from adapters.postgres.statements import statements
from application.ports.key_store import KeysDecided
from domain.auth.key_rotation import KeyTimes
from domain.auth.signing_key import PublicKey, SealedKey

_SQL = statements("keys")


class PostgresKeyStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def all(self) -> tuple[SealedKey, ...]:
        async with self._pool.as_identity() as connection:
            return await _read(connection)

    async def change(self, decide: KeysDecided) -> tuple[SealedKey, ...]:
        async with self._pool.as_identity() as connection:
            await connection.execute(_SQL["lock_keys"])
            before = await _read(connection)
            after = decide(before)
            kept = [key.public.kid for key in after]
            await connection.execute(_SQL["drop_keys"], kept)
            for key in after:
                if key not in before:
                    await _put(connection, key)
            return await _read(connection)


async def _read(connection: Connection) -> tuple[SealedKey, ...]:
    return tuple(_key(row) for row in await connection.fetch(_SQL["read_keys"]))


async def _put(connection: Connection, key: SealedKey) -> None:
    await connection.execute(
        _SQL["put_key"],
        key.public.kid,
        json.dumps(key.public.jwk()),
        key.sealed_private,
        key.times.publish_time,
        key.times.activate_time,
    )


def _key(row: asyncpg.Record) -> SealedKey:
    jwk = json.loads(row["public_jwk"])
    return SealedKey(
        times=KeyTimes(
            kid=row["kid"], publish_time=row["publish_time"], activate_time=row["activate_time"]
        ),
        public=PublicKey(kid=row["kid"], n=jwk["n"], e=jwk["e"]),
        sealed_private=row["sealed_private"],
    )
