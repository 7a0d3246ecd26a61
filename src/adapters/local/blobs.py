"""Documents' bytes as files: one folder a space, one file a document."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from domain.documents.document import DocumentNotFound
from domain.identifiers import DocumentId, SpaceId

# A folder can go while a file is put into it, when a space is erased at that moment.
_TRIES = 8


class FileBlobStore:
    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, space: SpaceId, document: DocumentId, content: bytes) -> None:
        await asyncio.to_thread(_write, self._path(space, document), content)

    async def get(self, space: SpaceId, document: DocumentId) -> bytes:
        try:
            return await asyncio.to_thread(self._path(space, document).read_bytes)
        except FileNotFoundError:
            raise DocumentNotFound from None

    async def delete(self, space: SpaceId, document: DocumentId) -> None:
        await asyncio.to_thread(_remove, self._path(space, document))

    async def delete_space(self, space: SpaceId) -> int:
        return await asyncio.to_thread(_clear, self._root / str(space))

    def _path(self, space: SpaceId, document: DocumentId) -> Path:
        return self._root / str(space) / str(document)


def _write(path: Path, content: bytes) -> None:
    for _ in range(_TRIES):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return _write_in_folder(path, content)
    raise FileNotFoundError(path)


def _write_in_folder(path: Path, content: bytes) -> None:
    """Write aside, flush, then rename: a crash leaves the whole file or none."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    _flush_folder(path.parent)


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
