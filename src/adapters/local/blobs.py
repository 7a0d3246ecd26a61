"""Documents' bytes as files: one folder a space, one file a document."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import copyfileobj
from tempfile import NamedTemporaryFile
from typing import IO

from adapters.local.errors import BlobStoreUnavailable
from application.ports.blob_store import Content
from application.unbroken import unbroken
from domain.documents.document import DocumentNotFound
from domain.identifiers import DocumentId, SpaceId

# A folder can go while a file is put into it, when a space is erased at that moment.
_TRIES = 8


class FileBlobStore:
    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, space: SpaceId, document: DocumentId, content: Content) -> None:
        await _write(self._path(space, document), content)

    async def get(self, space: SpaceId, document: DocumentId) -> bytes:
        try:
            with _translated():
                return await asyncio.to_thread(self._path(space, document).read_bytes)
        except FileNotFoundError:
            raise DocumentNotFound from None

    async def delete(self, space: SpaceId, document: DocumentId) -> None:
        with _translated():
            await asyncio.to_thread(_remove, self._path(space, document))

    async def delete_space(self, space: SpaceId) -> int:
        with _translated():
            return await asyncio.to_thread(_clear, self._root / str(space))

    def _path(self, space: SpaceId, document: DocumentId) -> Path:
        return self._root / str(space) / str(document)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BlobStoreUnavailable from error


async def _write(path: Path, content: Content) -> None:
    """Write aside, flush, then rename: a crash leaves the whole file or none."""
    with _translated():
        aside = await asyncio.to_thread(_open_aside, path)
    try:
        if isinstance(content, bytes):
            await _append(aside, content)
        else:
            async for piece in content:
                await _append(aside, piece)
        with _translated():
            await unbroken(asyncio.to_thread(_put_in_place, aside, path))
    finally:
        await unbroken(asyncio.to_thread(_drop, aside))


async def _append(aside: IO[bytes], piece: bytes) -> None:
    with _translated():
        await unbroken(asyncio.to_thread(aside.write, piece))


def _open_aside(path: Path) -> IO[bytes]:
    for _ in range(_TRIES):
        # FileExistsError: it went between mkdir's two looks at it.
        with suppress(FileNotFoundError, FileExistsError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)
    raise FileNotFoundError(path)


def _put_in_place(aside: IO[bytes], path: Path) -> None:
    with suppress(FileNotFoundError):
        return _rename(aside, path)
    for _ in range(_TRIES):
        # It went with the space's folder, and can still be read.
        again = _open_aside(path)
        try:
            aside.seek(0)
            copyfileobj(aside, again)
            with suppress(FileNotFoundError):
                return _rename(again, path)
        finally:
            _drop(again)
    raise FileNotFoundError(path)


def _rename(aside: IO[bytes], path: Path) -> None:
    aside.flush()
    os.fsync(aside.fileno())
    Path(aside.name).replace(path)
    _flush_folder(path.parent)


def _drop(aside: IO[bytes]) -> None:
    aside.close()
    Path(aside.name).unlink(missing_ok=True)


def _remove(path: Path) -> None:
    """The file, and the folder with the last one."""
    path.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()


def _clear(folder: Path) -> int:
    """Remove the folder with everything in it; how many whole files there were."""
    removed = 0
    for _ in range(_TRIES):
        try:
            paths = list(folder.iterdir())
        except FileNotFoundError:
            break
        for path in paths:
            path.unlink(missing_ok=True)
            removed += not path.name.startswith(".")
        with suppress(OSError):
            folder.rmdir()
    return removed


def _flush_folder(folder: Path) -> None:
    """The rename is durable once the folder that holds the name is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
