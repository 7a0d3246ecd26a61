"""Documents' bytes as files: one folder a space, one file a document."""

import asyncio
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from domain.documents.document import DocumentNotFound
from domain.identifiers import DocumentId, SpaceId


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
        await asyncio.to_thread(self._path(space, document).unlink, missing_ok=True)

    def _path(self, space: SpaceId, document: DocumentId) -> Path:
        return self._root / str(space) / str(document)


def _write(path: Path, content: bytes) -> None:
    """Write aside, flush, then rename: a crash leaves the whole file or none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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


def _flush_folder(folder: Path) -> None:
    """The rename is durable once the folder that holds the name is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
