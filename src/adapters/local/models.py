"""Fetches GGUF models, each pinned to a SHA-256."""

import asyncio
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from adapters.local.catalogue import ModelEntry
from adapters.local.download import Progress, download
from adapters.local.errors import ModelDownloadRefused
from domain.errors import Conflict


class ModelPullRunning(Conflict):
    reason = "MODEL_PULL_RUNNING"


async def pull_model(
    entry: ModelEntry,
    *,
    target_dir: Path,
    progress: Progress = lambda done, total: None,
) -> Path:
    """The file of `entry` in `target_dir`, fetched unless it is there and has the pinned SHA-256.

    The file appears whole and verified, or not at all. A broken transfer leaves its beginning
    beside it, hidden, and the next pull of the same pin goes on from there.

    Raises:
        Unavailable: not reached or broken off (reason MODEL_DOWNLOAD_FAILED).
        InvalidInput: no GGUF, or another SHA-256; nothing is kept (MODEL_DOWNLOAD_REFUSED).
        FailedPrecondition: no room for it (DISK_FULL), or the folder cannot be written.
        Conflict: another pull of it runs (reason MODEL_PULL_RUNNING).
    """
    target_dir.mkdir(parents=True, exist_ok=True)
    target = target_dir / f"{entry.name}.gguf"
    if target.exists() and await asyncio.to_thread(_sha256, target) == entry.sha256:
        return target
    part = target_dir / f".{entry.name}.{entry.sha256[:16]}.part"
    with _held(part):
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                await download(client, entry.url, part, progress)
            await asyncio.to_thread(_verify, part, entry)
        except ModelDownloadRefused:
            part.unlink()
            raise
        await asyncio.to_thread(_publish, part, target)
    return target


@contextmanager
def _held(part: Path) -> Iterator[None]:
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ModelPullRunning("another pull of this model is running") from error
        yield


def _verify(part: Path, entry: ModelEntry) -> None:
    found = _sha256(part)
    if found != entry.sha256:
        raise ModelDownloadRefused(
            f"the file has the SHA-256 {found}, pinned is {entry.sha256}: nothing was kept",
            field="sha256",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _publish(part: Path, target: Path) -> None:
    """On disk first, then under its name: a crash leaves the old state or the new one."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
