"""The contract of `BlobStore`, on every adapter."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from obstore.store import LocalStore, MemoryStore

from adapters.local.blobs import FileBlobStore
from adapters.memory.blob_store import MemoryBlobStore
from adapters.obstore.blobs import ObstoreBlobStore
from application.ports.blob_store import BlobStore
from domain.documents.document import DocumentNotFound, DocumentTooLarge
from domain.errors import Unavailable
from domain.identifiers import DocumentId, SpaceId
from fixtures.making import new_id
from fixtures.s3_server import FakeS3

HOME, AWAY = SpaceId(new_id()), SpaceId(new_id())


@pytest.fixture(params=["memory", "file", "obstore-folder", "obstore-memory", "obstore-s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, s3: FakeS3) -> BlobStore:
    folder = tmp_path / "a folder" / "blobs"
    match request.param:
        case "memory":
            return MemoryBlobStore()
        case "file":
            return FileBlobStore(folder)
        case "obstore-folder":
            return ObstoreBlobStore(LocalStore(folder, automatic_cleanup=True, mkdir=True))
        case "obstore-memory":
            return ObstoreBlobStore(MemoryStore())
    return ObstoreBlobStore(s3.store())


@pytest.fixture(scope="module")
def s3() -> Iterator[FakeS3]:
    with FakeS3() as server:
        yield server


@pytest.fixture
def document() -> DocumentId:
    return DocumentId(new_id())


@pytest.mark.parametrize("content", [b"", b"\x00\xff\r\n", bytes(range(256)) * 4096])
async def test_bytes_come_back_as_they_were_put(
    blobs: BlobStore, document: DocumentId, content: bytes
) -> None:
    await blobs.put(HOME, document, content)
    assert await blobs.get(HOME, document) == content


async def test_putting_again_replaces(blobs: BlobStore, document: DocumentId) -> None:
    await blobs.put(HOME, document, b"a long first version")
    await blobs.put(HOME, document, b"short")
    assert await blobs.get(HOME, document) == b"short"


async def test_what_is_not_there_is_not_found(blobs: BlobStore, document: DocumentId) -> None:
    with pytest.raises(DocumentNotFound):
        await blobs.get(HOME, document)


async def test_another_space_answers_as_if_there_was_nothing(
    blobs: BlobStore, document: DocumentId
) -> None:
    await blobs.put(HOME, document, b"ours")
    with pytest.raises(DocumentNotFound) as foreign:
        await blobs.get(AWAY, document)
    with pytest.raises(DocumentNotFound) as missing:
        await blobs.get(AWAY, DocumentId(new_id()))
    assert str(foreign.value) == str(missing.value)


async def test_another_space_cannot_delete_or_replace(
    blobs: BlobStore, document: DocumentId
) -> None:
    await blobs.put(HOME, document, b"ours")
    await blobs.delete(AWAY, document)
    await blobs.put(AWAY, document, b"theirs")
    assert await blobs.get(HOME, document) == b"ours"


async def test_deleted_bytes_are_gone(blobs: BlobStore, document: DocumentId) -> None:
    await blobs.put(HOME, document, b"ours")
    await blobs.delete(HOME, document)
    with pytest.raises(DocumentNotFound):
        await blobs.get(HOME, document)


async def test_deleting_what_is_not_there_is_no_error(
    blobs: BlobStore, document: DocumentId
) -> None:
    await blobs.delete(HOME, document)
    await blobs.put(HOME, document, b"ours")
    await blobs.delete(HOME, document)
    await blobs.delete(HOME, document)
    with pytest.raises(DocumentNotFound):
        await blobs.get(HOME, document)


async def test_two_puts_at_once_leave_one_of_them_whole(
    blobs: BlobStore, document: DocumentId
) -> None:
    versions = [bytes([n]) * 100_000 for n in range(8)]
    await asyncio.gather(*(blobs.put(HOME, document, version) for version in versions))
    assert await blobs.get(HOME, document) in versions


async def test_a_space_goes_with_all_its_bytes_and_no_others(blobs: BlobStore) -> None:
    for _ in range(3):
        await blobs.put(HOME, DocumentId(new_id()), b"ours")
    theirs = DocumentId(new_id())
    await blobs.put(AWAY, theirs, b"theirs")
    assert await blobs.delete_space(HOME) >= 3
    assert await blobs.delete_space(HOME) == 0
    assert await blobs.get(AWAY, theirs) == b"theirs"


async def test_a_space_that_was_never_there_has_nothing_to_remove(blobs: BlobStore) -> None:
    assert await blobs.delete_space(SpaceId(new_id())) == 0


async def test_bytes_can_be_put_while_their_space_goes(blobs: BlobStore) -> None:
    """Whoever puts them finds out by the row, and takes them away again."""
    space = SpaceId(new_id())
    documents = [DocumentId(new_id()) for _ in range(40)]
    await asyncio.gather(
        *(blobs.put(space, document, b"late") for document in documents),
        *(blobs.delete_space(space) for _ in range(10)),
    )
    for document in documents:
        await blobs.delete(space, document)
    assert await blobs.delete_space(space) == 0


async def test_a_store_that_does_not_answer_says_so_without_its_words(s3: FakeS3) -> None:
    blobs = ObstoreBlobStore(s3.store())
    s3.fail(True)
    try:
        for attempt in (
            blobs.put(HOME, DocumentId(new_id()), b"x"),
            blobs.get(HOME, DocumentId(new_id())),
            blobs.delete(HOME, DocumentId(new_id())),
            blobs.delete_space(HOME),
        ):
            with pytest.raises(Unavailable) as raised:
                await attempt
            assert "127.0.0.1" not in raised.value.message
    finally:
        s3.fail(False)


async def test_every_key_begins_with_its_space(s3: FakeS3, document: DocumentId) -> None:
    before = s3.keys
    await ObstoreBlobStore(s3.store()).put(HOME, document, b"x")
    assert s3.keys - before == {f"{HOME}/{document}"}


async def _pieces(*pieces: bytes, failure: Exception | None = None) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if failure is not None:
        raise failure


@pytest.mark.parametrize("size", [0, 1, 700_000, 3 * 1024 * 1024])
async def test_pieces_come_back_as_one(blobs: BlobStore, document: DocumentId, size: int) -> None:
    pieces = [bytes([n]) * size for n in range(1, 5)]
    await blobs.put(HOME, document, _pieces(*pieces))
    assert await blobs.get(HOME, document) == b"".join(pieces)


@pytest.mark.parametrize("size", [10, 4 * 1024 * 1024])
async def test_pieces_that_break_off_leave_what_was_there(
    blobs: BlobStore, document: DocumentId, size: int
) -> None:
    broken = DocumentTooLarge()
    with pytest.raises(DocumentTooLarge) as raised:
        await blobs.put(HOME, document, _pieces(b"a" * size, b"b" * size, failure=broken))
    assert raised.value is broken
    with pytest.raises(DocumentNotFound):
        await blobs.get(HOME, document)
    await blobs.put(HOME, document, b"before")
    with pytest.raises(DocumentTooLarge):
        await blobs.put(HOME, document, _pieces(b"a" * size, b"b" * size, failure=broken))
    assert await blobs.get(HOME, document) == b"before"


async def test_a_sender_that_leaves_leaves_nothing(blobs: BlobStore, document: DocumentId) -> None:
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"a" * 6 * 1024 * 1024
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(blobs.put(HOME, document, endless()))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(DocumentNotFound):
        await blobs.get(HOME, document)
