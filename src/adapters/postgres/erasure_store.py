"""Erasure in Postgres: all rows of a tenant and the receipt of it, in one transaction.

The functions behind it go by the catalogue and run as the application's own role, so they reach
every table that there is, and no row of another tenant.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import asyncpg

from adapters.postgres.pool import Connection, Pool
from adapters.postgres.statements import statements
from domain.errors import Conflict
from domain.identifiers import OrganizationId, ReceiptId, SpaceId
from domain.tenancy.erasure import ErasureReceipt, ErasureReceiptNotFound
from domain.tenancy.organization import OrganizationNotFound
from domain.tenancy.space import SpaceNotFound

_SQL = statements("erasure")
# A large tenant's rows go in one statement, and half of them is no option.
_ERASE_SECONDS = 3600.0
_TRIES = 10
_AGAIN_SECONDS = 0.1
# Tables whose name says less than it should to who reads a receipt.
_KINDS = {"chunk_vectors": "vectors", "space_settings": "settings_versions"}


class PostgresErasureStore:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, receipt: ErasureReceipt) -> ErasureReceipt:
        # Whoever writes locks rows in an order of their own; of two that then wait for each other
        # the database ends one.
        for _ in range(_TRIES):
            try:
                return await self._begin(receipt)
            except Conflict:
                await asyncio.sleep(_AGAIN_SECONDS)
        return await self._begin(receipt)

    async def _begin(self, receipt: ErasureReceipt) -> ErasureReceipt:
        async with self._pool.in_organization(receipt.organization_id) as connection:
            if receipt.space_id is None:
                begun = await _erase_organization(connection, receipt)
            else:
                begun = await _erase_one_space(connection, receipt, receipt.space_id)
            await _keep(connection, begun)
        return begun

    async def finish(
        self, receipt_id: ReceiptId, counts: Mapping[str, int], finish_time: datetime
    ) -> None:
        async with self._pool.as_identity() as connection:
            await connection.execute(
                _SQL["finish"], receipt_id, json.dumps(dict(counts)), finish_time
            )

    async def get(self, receipt_id: ReceiptId) -> ErasureReceipt:
        async with self._pool.as_identity() as connection:
            row = await connection.fetchrow(_SQL["get"], receipt_id)
        if row is None:
            raise ErasureReceiptNotFound
        return _receipt(row)

    async def unfinished(self, since: datetime) -> tuple[ErasureReceipt, ...]:
        async with self._pool.as_identity() as connection:
            rows = await connection.fetch(_SQL["unfinished"], since)
        return tuple(_receipt(row) for row in rows)


async def _erase_one_space(
    connection: Connection, receipt: ErasureReceipt, space: SpaceId
) -> ErasureReceipt:
    if await connection.fetchval(_SQL["lock_space"], space, receipt.organization_id) is None:
        raise SpaceNotFound
    return receipt.with_counts(await _erase_space(connection, space))


async def _erase_space(connection: Connection, space: UUID) -> Counter[str]:
    await connection.execute(_SQL["confine_to_space"], space)
    return _counter(await connection.fetchval(_SQL["erase_space"], space, timeout=_ERASE_SECONDS))


async def _erase_organization(connection: Connection, receipt: ErasureReceipt) -> ErasureReceipt:
    organization = receipt.organization_id
    if await connection.fetchval(_SQL["lock_organization"], organization) is None:
        raise OrganizationNotFound
    rows = await connection.fetch(_SQL["spaces"], organization)
    spaces = tuple(SpaceId(row["space_id"]) for row in rows)
    counts: Counter[str] = Counter()
    for space in spaces:
        counts += await _erase_space(connection, space)
    await connection.execute(_SQL["as_identity"])
    counts["sessions"] = await connection.fetchval(_SQL["end_sessions"], organization)
    await connection.execute(_SQL["as_application"])
    counts += _counter(
        await connection.fetchval(_SQL["erase_organization"], organization, timeout=_ERASE_SECONDS)
    )
    return replace(receipt, spaces=spaces).with_counts(counts)


async def _keep(connection: Connection, receipt: ErasureReceipt) -> None:
    await connection.execute(_SQL["as_identity"])
    await connection.execute(
        _SQL["keep_receipt"],
        receipt.receipt_id,
        receipt.organization_id,
        receipt.space_id,
        list(receipt.spaces),
        receipt.requester,
        json.dumps(dict(receipt.counts)),
        receipt.create_time,
    )


def _counter(counts: str) -> Counter[str]:
    by_table: dict[str, int] = json.loads(counts)
    return Counter({_KINDS.get(table, table): count for table, count in by_table.items()})


def _receipt(row: asyncpg.Record) -> ErasureReceipt:
    return ErasureReceipt(
        **{
            **row,
            "organization_id": OrganizationId(row["organization_id"]),
            "spaces": tuple(SpaceId(space) for space in row["spaces"]),
            "counts": json.loads(row["counts"]),
        }
    )
