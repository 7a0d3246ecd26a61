"""UploadDocument: bytes are taken, kept and handed on."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from adapters.memory.blob_store import MemoryBlobStore
from adapters.memory.hash_embedder import HashEmbedder
from application.context import SpaceHeaderMissing
from application.documents.upload import UploadDocument
from domain.documents.document import (
    MAX_DOCUMENT_BYTES,
    Collection,
    Document,
    DocumentCutShort,
    DocumentEmpty,
    DocumentTooLarge,
    IngestState,
)
from domain.documents.media import MediaType, MediaTypeMismatch, UnsupportedMediaType
from domain.errors import InvalidInput
from domain.paging import PageRequest
from domain.tenancy.access import ActionNotAllowed, Role
from fixtures.house import House, context_of
from fixtures.making import passages, structure

EMBEDDER = HashEmbedder()


class Sender:
    """Sends pieces, and counts those that were taken."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.taken += 1
            yield piece


async def _upload(
    house: House,
    sender: Sender,
    *,
    filename: str = "guide.md",
    blobs: MemoryBlobStore | None = None,
    role: Role | None = Role.EDITOR,
    expected_bytes: int | None = None,
) -> Document:
    upload = UploadDocument(
        documents=house.stores.documents,
        blobs=blobs or MemoryBlobStore(),
        jobs=house.jobs,
        embedder=EMBEDDER,
        clock=house.clock,
        entropy=house.entropy,
    )
    return await upload(
        context_of(house.home, role),
        filename=filename,
        collection=Collection.BRAND,
        content=aiter(sender),
        expected_bytes=expected_bytes,
    )


async def _kept(house: House) -> int:
    return len((await house.stores.documents.list(house.home.space, PageRequest())).items)


async def test_a_file_is_kept_and_waits_to_be_read(house: House) -> None:
    blobs, whole = MemoryBlobStore(), b"# Guide\nSpeak plainly."
    made = await _upload(house, Sender(whole[:5], b"", whole[5:]), blobs=blobs)
    assert (made.state, made.media_type, made.size_bytes, made.collection) == (
        IngestState.PENDING,
        MediaType.MARKDOWN,
        len(whole),
        Collection.BRAND,
    )
    assert made.content_sha256 == sha256(whole).hexdigest()
    assert await blobs.get(house.home.space, made.document_id) == whole
    assert await house.stores.documents.get(house.home.space, made.document_id) == made
    assert house.jobs.woken == 1


async def test_a_file_that_is_too_large_is_not_read_to_its_end(house: House) -> None:
    sender = Sender(*[b"a" * (MAX_DOCUMENT_BYTES // 4)] * 40)
    with pytest.raises(DocumentTooLarge):
        await _upload(house, sender)
    assert sender.taken == 5
    assert await _kept(house) == 0


async def test_a_file_as_large_as_may_be_is_taken(house: House) -> None:
    made = await _upload(house, Sender(b"a" * MAX_DOCUMENT_BYTES))
    assert made.size_bytes == MAX_DOCUMENT_BYTES


@pytest.mark.parametrize(
    ("filename", "error"), [("run.exe", UnsupportedMediaType), ("", InvalidInput)]
)
async def test_a_name_that_cannot_be_read_is_refused_before_its_bytes(
    house: House, filename: str, error: type[InvalidInput]
) -> None:
    sender = Sender(b"MZ")
    with pytest.raises(error):
        await _upload(house, sender, filename=filename)
    assert sender.taken == 0


@pytest.mark.parametrize("pieces", [(), (b"",), (b"", b"")])
async def test_a_file_without_bytes_is_refused(house: House, pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(DocumentEmpty):
        await _upload(house, Sender(*pieces))


async def test_a_file_that_is_not_what_its_name_says_is_refused(house: House) -> None:
    with pytest.raises(MediaTypeMismatch):
        await _upload(house, Sender(b"# Guide"), filename="guide.pdf")
    assert await _kept(house) == 0
    assert house.jobs.woken == 0


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.VIEWER])
async def test_who_may_only_read_may_not_upload(house: House, role: Role) -> None:
    sender = Sender(b"# Guide")
    with pytest.raises(ActionNotAllowed):
        await _upload(house, sender, role=role)
    assert sender.taken == 0


async def test_an_upload_into_no_space_is_refused(house: House) -> None:
    with pytest.raises(SpaceHeaderMissing):
        await _upload(house, Sender(b"x"), role=None)


@pytest.mark.parametrize("ticks", range(10))
async def test_a_sender_that_leaves_leaves_no_document_without_its_job_or_bytes(
    house: House, ticks: int
) -> None:
    blobs = MemoryBlobStore()
    call = asyncio.ensure_future(_upload(house, Sender(b"# Guide"), blobs=blobs))
    for _ in range(ticks):
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait({call})
    kept = (await house.stores.documents.list(house.home.space, PageRequest())).items
    assert len(kept) == house.jobs.woken
    for document in kept:
        assert await blobs.get(house.home.space, document.document_id) == b"# Guide"


async def test_an_upload_that_was_cut_short_is_not_taken_for_a_whole_one(house: House) -> None:
    with pytest.raises(DocumentCutShort, match="3 bytes came where 7"):
        await _upload(house, Sender(b"# G"), expected_bytes=7)
    assert not (await house.stores.documents.list(house.home.space, PageRequest())).items
    assert (await _upload(house, Sender(b"# Guide"), expected_bytes=7)).size_bytes == 7


async def _published(house: House, made: Document) -> None:
    await house.stores.documents.publish(made, structure(), passages("plainly"), EMBEDDER.model)


@pytest.mark.parametrize("ready", [True, False])
async def test_the_same_file_again_is_the_document_that_it_already_is(
    house: House, ready: bool
) -> None:
    blobs = MemoryBlobStore()
    first = await _upload(house, Sender(b"# Guide"), blobs=blobs)
    if ready:
        await _published(house, first)
    again = await _upload(house, Sender(b"# Guide"), blobs=blobs)
    assert (again.document_id, again.version) == (first.document_id, 1)
    assert await _kept(house) == 1
    assert await blobs.delete_space(house.home.space) == 1


async def test_another_file_of_the_same_name_is_its_next_version(house: House) -> None:
    first = await _upload(house, Sender(b"# Guide"))
    await _published(house, first)
    second = await _upload(house, Sender(b"# Guide, revised"))
    assert (first.version, second.version) == (1, 2)
    third = await _upload(house, Sender(b"# Guide"))
    assert third.version == 3
    assert await _kept(house) == 3
