"""Documents' bytes in an object store (S3, GCS, a folder): `space/document`, one object each."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager

import obstore
from obstore.exceptions import BaseError
from obstore.store import GCSStore, LocalStore, MemoryStore, S3Store

from application.ports.blob_store import Content
from domain.documents.document import DocumentNotFound
from domain.errors import Unavailable
from domain.identifiers import DocumentId, SpaceId

Store = GCSStore | LocalStore | MemoryStore | S3Store

# An upload holds this much for each part that is on its way, and one more that fills up.
_PART_BYTES = 5 * 1024 * 1024
_PARTS_AT_ONCE = 2
_PAGE = 500


class BlobStoreUnavailable(Unavailable):
    """Without the store's own words, which name buckets and keys."""

    reason = "BLOB_STORE_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("the store of documents' bytes does not answer")


class ObstoreBlobStore:
    """Whatever `store` points to belongs to Obelisk alone."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, space: SpaceId, document: DocumentId, content: Content) -> None:
        key = _key(space, document)
        given = _Pieces(content)
        try:
            with _translated():
                # As several parts it is there with the last of them, or not at all.
                await obstore.put_async(
                    self._store,
                    key,
                    content if isinstance(content, bytes) else aiter(given),
                    chunk_size=_PART_BYTES,
                    max_concurrency=_PARTS_AT_ONCE,
                )
        except BaseException:
            if given.failure is not None:
                raise given.failure from None
            raise

    async def get(self, space: SpaceId, document: DocumentId) -> bytes:
        try:
            with _translated():
                found = await obstore.get_async(self._store, _key(space, document))
                return bytes(await found.bytes_async())
        except FileNotFoundError:
            raise DocumentNotFound from None

    async def delete(self, space: SpaceId, document: DocumentId) -> None:
        await self._remove([_key(space, document)])

    async def delete_space(self, space: SpaceId) -> int:
        removed = 0
        with _translated():
            async for page in obstore.list(self._store, prefix=str(space), chunk_size=_PAGE):
                keys = [found["path"] for found in page]
                await self._remove(keys)
                removed += len(keys)
        return removed

    async def _remove(self, keys: list[str]) -> None:
        with _translated():
            for key in keys:
                try:
                    await obstore.delete_async(self._store, key)
                except FileNotFoundError:
                    continue


class _Pieces:
    """Hands pieces on, and remembers what broke them off."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self.failure: BaseException | None = None

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        assert not isinstance(self._content, bytes)
        content: AsyncIterator[bytes] = self._content
        try:
            async for piece in content:
                if piece:
                    yield piece
        except GeneratorExit:
            raise
        except BaseException as failure:
            self.failure = failure
            raise


def _key(space: SpaceId, document: DocumentId) -> str:
    """Two UUIDs: nothing in it leads out of the space."""
    return f"{space}/{document}"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        raise BlobStoreUnavailable from error
