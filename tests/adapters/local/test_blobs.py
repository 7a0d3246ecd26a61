"""What is left on the disk of bytes that were removed: nothing."""

from pathlib import Path

from adapters.local.blobs import FileBlobStore
from domain.identifiers import DocumentId, SpaceId
from fixtures.making import new_id


async def test_the_last_document_takes_its_folder_with_it(tmp_path: Path) -> None:
    blobs, space = FileBlobStore(tmp_path), SpaceId(new_id())
    first, second = DocumentId(new_id()), DocumentId(new_id())
    await blobs.put(space, first, b"1")
    await blobs.put(space, second, b"2")
    await blobs.delete(space, first)
    assert await blobs.get(space, second) == b"2"
    await blobs.delete(space, second)
    assert list(tmp_path.iterdir()) == []


async def test_an_erased_space_leaves_no_folder_and_no_half_of_a_file(tmp_path: Path) -> None:
    blobs, space = FileBlobStore(tmp_path), SpaceId(new_id())
    await blobs.put(space, DocumentId(new_id()), b"1")
    (tmp_path / str(space) / ".half.abc").write_bytes(b"from a process that died")
    assert await blobs.delete_space(space) == 1
    assert list(tmp_path.iterdir()) == []
