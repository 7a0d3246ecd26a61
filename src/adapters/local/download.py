"""Brings one file down, and goes on where an earlier try broke off."""

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx

from adapters.local.errors import ModelDownloadFailed, ModelDownloadRefused
from adapters.local.gguf import MAGIC
from domain.errors import FailedPrecondition

Progress = Callable[[int, int | None], None]
"""Told bytes done, and bytes in total where the server says so."""

_CHUNK = 1024 * 1024
_TRIES = 3
_TIMEOUT = httpx.Timeout(10.0, read=30.0)


class DiskFull(FailedPrecondition):
    reason = "DISK_FULL"


class _BrokeOff(Exception):
    """The transfer ended early; what came is on disk."""


async def download(client: httpx.AsyncClient, url: str, part: Path, progress: Progress) -> None:
    """Append to `part` until the file is whole; three tries, each resuming the one before.

    Raises:
        Unavailable: not reached, refused, or broken off three times (MODEL_DOWNLOAD_FAILED).
        InvalidInput: the file is no GGUF; noticed at its first bytes (MODEL_DOWNLOAD_REFUSED).
        FailedPrecondition: there is no room for it (DISK_FULL).
    """
    for attempt in range(1, _TRIES + 1):
        try:
            await _transfer(client, url, part, progress)
        except (httpx.TransportError, _BrokeOff) as error:
            if attempt == _TRIES:
                raise ModelDownloadFailed(
                    f"the download broke off at byte {part.stat().st_size}; try again to go on"
                    f" from there ({type(error).__name__.lstrip('_')})"
                ) from error
            await asyncio.sleep(0.2 * attempt)
        except httpx.TooManyRedirects as error:
            raise ModelDownloadFailed("the address redirects without end") from error
        except OSError as error:
            raise _disk_error(error) from error
        else:
            return


async def _transfer(client: httpx.AsyncClient, url: str, part: Path, progress: Progress) -> None:
    have = part.stat().st_size
    # No compression: the range counts bytes of the file itself.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    async with client.stream(
        "GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT
    ) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            # All there, or another file's rest: the checksum tells.
            return
        start = _start(response, have)
        length = response.headers.get("content-length", "")
        total = start + int(length) if length.isdigit() else None
        _refuse_if_no_room(part, (total or 0) - start)
        with part.open("r+b") as file:
            file.truncate(start)
            file.seek(start)
            progress(start, total)
            async for chunk in response.aiter_raw(_CHUNK):
                await asyncio.to_thread(file.write, chunk)
                _refuse_if_no_gguf(chunk, file.tell() - len(chunk))
                progress(file.tell(), total)
            if total is not None and file.tell() < total:
                raise _BrokeOff


def _start(response: httpx.Response, have: int) -> int:
    """The offset that the answer begins at: where we asked, or 0 from a server without ranges."""
    if response.status_code == httpx.codes.OK:
        return 0
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        raise ModelDownloadFailed(f"the server answers {response.status_code} for this address")
    if not response.headers.get("content-range", "").startswith(f"bytes {have}-"):
        raise ModelDownloadFailed("the server sent another range than the one asked for")
    return have


def _refuse_if_no_gguf(chunk: bytes, at: int) -> None:
    if at == 0 and not chunk.startswith(MAGIC):
        raise ModelDownloadRefused("the address does not lead to a GGUF file")


def _refuse_if_no_room(part: Path, more: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if more > free:
        raise DiskFull(
            f"the model needs {more // 2**20} MiB more, and {free // 2**20} MiB are free"
        )


def _disk_error(error: OSError) -> FailedPrecondition:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("the disk is full; make room and try again to go on from here")
    return FailedPrecondition(f"the model cannot be written: {os.strerror(error.errno or 0)}")
