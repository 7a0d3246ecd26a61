"""Opens the signing keys: the master key first, then what it has sealed."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

from adapters.crypto import master_key
from adapters.crypto.master_key import MasterKey
from adapters.crypto.sealer import AesGcmSealer
from adapters.crypto.token_signer import Rs256TokenSigner
from adapters.postgres.key_store import PostgresKeyStore
from adapters.postgres.pool import Pool
from application.auth.keys import Keyring
from application.auth.manage_keys import ManageKeys
from application.ports.clock import Clock
from application.ports.sealer import Sealer
from application.ports.token_signer import TokenSigner
from domain.auth.key_rotation import KeyPolicy
from entrypoints.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    signer: TokenSigner
    keyring: Keyring
    sealer: Sealer


def key_policy(settings: Settings) -> KeyPolicy:
    """How keys are rotated by these settings."""
    return KeyPolicy(
        period=timedelta(days=settings.key_period_days),
        forced_lead=timedelta(seconds=settings.key_lead_seconds),
        token_life=timedelta(minutes=settings.token_minutes),
    )


def build_key_management(keyring: Keyring, clock: Clock, settings: Settings) -> ManageKeys:
    """What operators ask for."""
    return ManageKeys(keyring=keyring, clock=clock, policy=key_policy(settings))


async def open_keys(settings: Settings, pool: Pool, clock: Clock, stack: AsyncExitStack) -> Keys:
    """The keys of this installation, watched until `stack` closes; the first is made here.

    Raises:
        MasterKeyMissing, MasterKeyWrong, MasterKeyMalformed, MasterKeyExposed: no key can be read.
    """
    store, policy = PostgresKeyStore(pool), key_policy(settings)
    sealed = bool(await store.all())
    sealer = AesGcmSealer(await asyncio.to_thread(_master_key, settings, anything_sealed=sealed))
    signer = Rs256TokenSigner(
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        clock=clock,
        policy=policy,
    )
    keyring = Keyring(store=store, sealer=sealer, signer=signer, clock=clock, policy=policy)
    stack.push_async_callback(keyring.close)
    await keyring.start()
    return Keys(signer=signer, keyring=keyring, sealer=sealer)


def _master_key(settings: Settings, *, anything_sealed: bool) -> MasterKey:
    if settings.master_key is not None:
        return master_key.parse(settings.master_key.get_secret_value(), master_key.SETTING)
    file = settings.master_key_file or settings.data_dir / "keys" / "master.key"
    return master_key.read_or_create(file, anything_sealed=anything_sealed)
