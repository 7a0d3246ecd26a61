"""Which master key a process starts with, and what it says when that is not the right one."""

import base64
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.local.clock import SystemClock
from adapters.postgres.pool import Pool
from domain.auth.sealing import MasterKeyMalformed, MasterKeyMissing, MasterKeyWrong
from entrypoints.keys import Keys, key_policy, open_keys
from entrypoints.settings import Settings

GIVEN = base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def _open(stack: AsyncExitStack, pool: Pool, folder: Path, **given: object) -> Keys:
    settings = Settings(data_dir=folder).model_copy(update=given)
    return await open_keys(settings, pool, SystemClock(), stack)


def _file(folder: Path) -> Path:
    return folder / "keys" / "master.key"


async def test_the_first_start_makes_a_master_key_and_the_next_uses_it(
    stack: AsyncExitStack, pool: Pool, tmp_path: Path
) -> None:
    first = await _open(stack, pool, tmp_path)
    kept = _file(tmp_path).read_bytes()
    second = await _open(stack, pool, tmp_path)
    assert second.keyring.published() == first.keyring.published()
    assert _file(tmp_path).read_bytes() == kept


async def test_a_master_key_of_the_settings_needs_no_file(
    stack: AsyncExitStack, pool: Pool, tmp_path: Path
) -> None:
    first = await _open(stack, pool, tmp_path / "a", master_key=SecretStr(GIVEN))
    second = await _open(stack, pool, tmp_path / "b", master_key=SecretStr(GIVEN))
    assert second.keyring.published() == first.keyring.published()
    assert not list(tmp_path.iterdir())


async def test_a_master_key_may_lie_elsewhere(
    stack: AsyncExitStack, pool: Pool, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "vault" / "key"
    await _open(stack, pool, tmp_path / "a", master_key_file=elsewhere)
    assert elsewhere.exists()
    assert not _file(tmp_path / "a").exists()


async def test_a_missing_master_key_is_never_replaced_by_a_new_one(
    stack: AsyncExitStack, pool: Pool, tmp_path: Path
) -> None:
    await _open(stack, pool, tmp_path / "a")
    with pytest.raises(MasterKeyMissing, match=str(_file(tmp_path / "b"))):
        await _open(stack, pool, tmp_path / "b")
    assert not _file(tmp_path / "b").exists()


async def test_a_wrong_or_malformed_master_key_is_told(
    stack: AsyncExitStack, pool: Pool, tmp_path: Path
) -> None:
    await _open(stack, pool, tmp_path)
    with pytest.raises(MasterKeyWrong, match="OBELISK_MASTER_KEY"):
        await _open(stack, pool, tmp_path, master_key=SecretStr(GIVEN))
    with pytest.raises(MasterKeyMalformed, match="OBELISK_MASTER_KEY holds 0 bytes"):
        await _open(stack, pool, tmp_path, master_key=SecretStr(""))


def test_the_settings_say_how_keys_are_rotated(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, key_period_days=30, key_lead_seconds=5, token_minutes=60)
    policy = key_policy(settings)
    assert policy.period == timedelta(days=30)
    assert policy.forced_lead == timedelta(seconds=5)
    assert policy.lead == timedelta(days=1)
    assert policy.kept == timedelta(minutes=60, seconds=30)
