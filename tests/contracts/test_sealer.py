"""The contract of `Sealer`, on every adapter."""

import os

import pytest

from adapters.crypto.master_key import MasterKey
from adapters.crypto.sealer import AesGcmSealer
from adapters.memory.sealer import MemorySealer
from application.ports.sealer import Sealer
from domain.auth.sealing import MasterKeyWrong, SealBroken

SECRET = b"the private half of a key"


def _aes() -> Sealer:
    return AesGcmSealer(MasterKey(os.urandom(32)))


@pytest.fixture(params=[_aes, MemorySealer], ids=["AES-256-GCM", "memory"])
def sealers(request: pytest.FixtureRequest) -> tuple[Sealer, Sealer]:
    """Two, with master keys of their own."""
    return request.param(), request.param()


@pytest.fixture
def sealer(sealers: tuple[Sealer, Sealer]) -> Sealer:
    return sealers[0]


@pytest.mark.parametrize("plain", [b"", b"x", SECRET, os.urandom(4096)])
async def test_what_was_sealed_opens(sealer: Sealer, plain: bytes) -> None:
    sealed = await sealer.seal(plain, purpose="one")
    assert await sealer.open(sealed, purpose="one") == plain


async def test_a_seal_shows_nothing_and_never_looks_the_same(sealer: Sealer) -> None:
    first, second = [await sealer.seal(SECRET, purpose="one") for _ in range(2)]
    assert first != second
    assert SECRET not in first


async def test_a_seal_is_good_for_its_purpose_alone(sealer: Sealer) -> None:
    sealed = await sealer.seal(SECRET, purpose="one")
    with pytest.raises(SealBroken, match="two"):
        await sealer.open(sealed, purpose="two")


async def test_any_change_breaks_a_seal_or_names_another_master_key(sealer: Sealer) -> None:
    sealed = await sealer.seal(SECRET, purpose="one")
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises((SealBroken, MasterKeyWrong)):
            await sealer.open(changed, purpose="one")
    for cut in (sealed[:-1], sealed[:1], b"", sealed + b"x"):
        with pytest.raises(SealBroken):
            await sealer.open(cut, purpose="one")


async def test_another_master_key_is_told_from_a_broken_seal(
    sealers: tuple[Sealer, Sealer],
) -> None:
    ours, theirs = sealers
    sealed = await ours.seal(SECRET, purpose="one")
    with pytest.raises(MasterKeyWrong, match="OBELISK_MASTER_KEY") as refusal:
        await theirs.open(sealed, purpose="one")
    named = refusal.value.metadata
    assert named["wanted"] != named["given"]
    assert all(named[which] in refusal.value.message for which in ("wanted", "given"))
