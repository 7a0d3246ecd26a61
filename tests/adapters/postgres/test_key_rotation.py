"""Two processes on one real database: whatever they do at once, they make one key."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest_asyncio

from adapters.crypto.master_key import MasterKey
from adapters.crypto.sealer import AesGcmSealer
from adapters.crypto.token_signer import Rs256TokenSigner
from adapters.local.clock import SystemClock
from adapters.postgres.key_store import PostgresKeyStore
from adapters.postgres.pool import Pool
from application.auth.keys import Keyring
from fixtures.keys import POLICY
from fixtures.postgres import Database

MASTER = MasterKey(os.urandom(32))


def _process(pool: Pool) -> Keyring:
    clock = SystemClock()
    return Keyring(
        store=PostgresKeyStore(pool),
        sealer=AesGcmSealer(MASTER),
        signer=Rs256TokenSigner(issuer="us", audience="us", clock=clock, policy=POLICY),
        clock=clock,
        policy=POLICY,
    )


@pytest_asyncio.fixture
async def processes(fresh_database: Database) -> AsyncIterator[tuple[Keyring, Keyring]]:
    """Two, each with connections of its own."""
    first, second = await Pool.open(fresh_database.dsn), await Pool.open(fresh_database.dsn)
    yield _process(first), _process(second)
    await first.close()
    await second.close()


async def test_processes_that_start_at_once_make_one_key(
    processes: tuple[Keyring, Keyring],
) -> None:
    await asyncio.gather(*(keyring.look() for keyring in processes))
    first, second = processes
    assert len(first.published()) == 1
    assert second.published() == first.published()


async def test_rotations_at_once_make_one_key(processes: tuple[Keyring, Keyring]) -> None:
    first, second = processes
    await asyncio.gather(first.look(), second.look())
    windows = await asyncio.gather(*(ring.rotate() for ring in (first, second) * 4))
    assert len(set(windows)) == 1
    await second.look()
    assert first.chain == second.chain
    assert [key.kid for key in first.chain.keys][-1] == windows[0].kid
    assert len(first.published()) == 2


async def test_the_database_alone_shows_no_private_half(
    processes: tuple[Keyring, Keyring], fresh_database: Database
) -> None:
    await processes[0].look()
    pool = await Pool.open(fresh_database.dsn)
    (kept,) = await PostgresKeyStore(pool).all()
    await pool.close()
    private = await AesGcmSealer(MASTER).open(
        kept.sealed_private, purpose=f"signing key {kept.public.kid}"
    )
    assert private not in kept.sealed_private
    assert kept.sealed_private[1:9] == MASTER.key_id
