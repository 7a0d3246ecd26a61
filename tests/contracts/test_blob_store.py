"""The contract of `BlobStore`, on every adapter."""

import asyncio
from pathlib import Path

import pytest

from adapters.local.blobs import FileBlobStore
from adapters.memory.blob_store import MemoryBlobStore
from application.ports.blob_store import BlobStore
from domain.documents.document import DocumentNotFound
from domain.identifiers import DocumentId, SpaceId
from fixtures.making import new_id

HOME, AWAY = SpaceId(new_id()), SpaceId(new_id())


@pytest.fixture(params=["memory", "file"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "memory":
        return MemoryBlobStore()
    return FileBlobStore(tmp_path / "a folder" / "blobs")


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
