"""A file in several requests goes on where it broke off, and leaves nothing behind."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from adapters.memory.blob_store import MemoryBlobStore
from adapters.memory.clock import FixedClock
from adapters.memory.hash_embedder import HashEmbedder
from application.context import RequestContext
from application.documents.keep import KeepDocument
from application.documents.resumable import ResumableUploads
from domain.documents.document import (
    MAX_DOCUMENT_BYTES,
    Collection,
    Document,
    DocumentEmpty,
    DocumentTooLarge,
    IngestState,
)
from domain.documents.media import MediaTypeMismatch, UnsupportedMediaType
from domain.documents.upload import (
    MOST_PARTS,
    MOST_UPLOADS,
    TooManyParts,
    TooManyUploads,
    Upload,
    UploadFinished,
    UploadNotFound,
    UploadTooLong,
    UploadUnfinished,
    WrongOffset,
)
from domain.identifiers import DocumentId, SpaceId
from domain.tenancy.access import ActionNotAllowed, Role
from fixtures.house import House, context_of

WHOLE = b"# Guide\n\nSpeak plainly, and often.\n"


async def _pieces(*pieces: bytes, failure: Exception | None = None) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if failure is not None:
        raise failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    house: House
    blobs: MemoryBlobStore
    clock: FixedClock
    uploads: ResumableUploads

    @property
    def context(self) -> RequestContext:
        return context_of(self.house.home, Role.EDITOR)

    async def start(self, size_bytes: int = len(WHOLE), filename: str = "guide.md") -> Upload:
        return await self.uploads.start(
            self.context, filename=filename, collection=Collection.BRAND, size_bytes=size_bytes
        )

    async def append(self, upload: Upload, offset: int, *pieces: bytes) -> Upload:
        return await self.uploads.append(
            self.context, upload_id=upload.upload_id, offset=offset, content=_pieces(*pieces)
        )

    async def blobs_left(self) -> int:
        return await self.blobs.delete_space(self.house.home.space)


@pytest.fixture
def desk(house: House) -> Desk:
    return desk_over(house, MemoryBlobStore())


def desk_over(house: House, blobs: MemoryBlobStore) -> Desk:
    clock = FixedClock()
    keep = KeepDocument(
        documents=house.stores.documents,
        blobs=blobs,
        jobs=house.jobs,
        embedder=HashEmbedder(),
        clock=clock,
        entropy=house.entropy,
    )
    uploads = ResumableUploads(
        uploads=house.stores.uploads,
        documents=house.stores.documents,
        blobs=blobs,
        keep=keep,
        clock=clock,
        entropy=house.entropy,
    )
    return Desk(house=house, blobs=blobs, clock=clock, uploads=uploads)


async def test_parts_become_one_document(desk: Desk) -> None:
    upload = await desk.start()
    await desk.append(upload, 0, WHOLE[:5], WHOLE[5:9])
    with pytest.raises(UploadUnfinished) as unfinished:
        await desk.uploads.finish(desk.context, upload_id=upload.upload_id)
    assert unfinished.value.metadata == {"received_bytes": "9"}
    assert (await desk.append(upload, 9, WHOLE[9:])).received_bytes == len(WHOLE)
    made = await desk.uploads.finish(desk.context, upload_id=upload.upload_id)
    assert (made.state, made.size_bytes, made.filename) == (
        IngestState.PENDING,
        len(WHOLE),
        "guide.md",
    )
    assert await desk.blobs.get(made.space_id, made.document_id) == WHOLE
    assert await desk.uploads.finish(desk.context, upload_id=upload.upload_id) == made
    assert await desk.blobs_left() == 1
    assert desk.house.jobs.woken == 1


async def test_two_who_finish_it_at_once_get_the_same_document(house: House) -> None:
    class Overtaken(MemoryBlobStore):
        faster: Callable[[], Awaitable[object]] | None = None

        async def get(self, space: SpaceId, document: DocumentId) -> bytes:
            faster, self.faster = self.faster, None
            if faster:
                await faster()
            return await super().get(space, document)

    blobs = Overtaken()
    desk = desk_over(house, blobs)
    upload = await desk.start()
    await desk.append(upload, 0, WHOLE)
    other: list[Document] = []

    async def finish() -> None:
        other.append(await desk.uploads.finish(desk.context, upload_id=upload.upload_id))

    blobs.faster = finish
    assert [await desk.uploads.finish(desk.context, upload_id=upload.upload_id)] == other
    assert await desk.blobs_left() == 1


async def test_a_part_that_breaks_off_can_be_sent_again(desk: Desk) -> None:
    upload = await desk.start()
    await desk.append(upload, 0, WHOLE[:5])
    with pytest.raises(ConnectionError):
        await desk.uploads.append(
            desk.context,
            upload_id=upload.upload_id,
            offset=5,
            content=_pieces(WHOLE[5:9], failure=ConnectionError()),
        )
    kept = await desk.uploads.get(desk.context, upload_id=upload.upload_id)
    assert kept.received_bytes == 5
    await desk.append(kept, 5, WHOLE[5:])
    made = await desk.uploads.finish(desk.context, upload_id=upload.upload_id)
    assert await desk.blobs.get(made.space_id, made.document_id) == WHOLE


@pytest.mark.parametrize("offset", [0, 4, 6, -1])
async def test_a_wrong_offset_says_which_is_right(desk: Desk, offset: int) -> None:
    upload = await desk.start()
    await desk.append(upload, 0, WHOLE[:5])
    with pytest.raises(WrongOffset) as refused:
        await desk.append(upload, offset, WHOLE[5:])
    assert refused.value.metadata == {"received_bytes": "5"}
    assert await desk.blobs_left() == 1


async def test_what_has_become_a_document_takes_no_more(desk: Desk) -> None:
    upload = await desk.start()
    await desk.append(upload, 0, WHOLE)
    await desk.uploads.finish(desk.context, upload_id=upload.upload_id)
    with pytest.raises(UploadFinished):
        await desk.append(upload, len(WHOLE), b"more")
    assert await desk.blobs_left() == 1


async def test_more_than_was_announced_is_not_kept(desk: Desk) -> None:
    upload = await desk.start(size_bytes=5)
    with pytest.raises(UploadTooLong):
        await desk.append(upload, 0, WHOLE)
    with pytest.raises(DocumentEmpty):
        await desk.append(upload, 0)
    assert await desk.blobs_left() == 0


async def test_what_is_not_what_its_name_says_is_found_in_the_end(desk: Desk) -> None:
    upload = await desk.start(filename="guide.pdf")
    await desk.append(upload, 0, WHOLE)
    with pytest.raises(MediaTypeMismatch):
        await desk.uploads.finish(desk.context, upload_id=upload.upload_id)
    await desk.uploads.cancel(desk.context, upload_id=upload.upload_id)
    assert await desk.blobs_left() == 0


async def test_what_cannot_become_a_document_is_not_begun(desk: Desk) -> None:
    with pytest.raises(UnsupportedMediaType):
        await desk.start(filename="run.exe")
    with pytest.raises(DocumentEmpty):
        await desk.start(size_bytes=0)
    with pytest.raises(DocumentTooLarge):
        await desk.start(size_bytes=MAX_DOCUMENT_BYTES + 1)


async def test_unfinished_ones_and_parts_are_bounded(desk: Desk) -> None:
    upload = await desk.start(size_bytes=MOST_PARTS + 1)
    for offset in range(MOST_PARTS):
        await desk.append(upload, offset, b"x")
    with pytest.raises(TooManyParts):
        await desk.append(upload, MOST_PARTS, b"x")
    for _ in range(MOST_UPLOADS - 1):
        await desk.start()
    with pytest.raises(TooManyUploads):
        await desk.start()


async def test_what_nobody_finishes_is_gone_after_a_day(desk: Desk) -> None:
    upload = await desk.start()
    await desk.append(upload, 0, WHOLE[:5])
    desk.clock.advance(24 * 3600)
    with pytest.raises(UploadNotFound):
        await desk.append(upload, 5, WHOLE[5:])
    later = await desk.start()
    await desk.uploads.expire()
    assert await desk.blobs_left() == 0
    with pytest.raises(UploadNotFound):
        await desk.uploads.get(desk.context, upload_id=upload.upload_id)
    assert await desk.uploads.get(desk.context, upload_id=later.upload_id) == later


async def test_who_may_only_read_may_not_upload(desk: Desk) -> None:
    with pytest.raises(ActionNotAllowed):
        await desk.uploads.start(
            context_of(desk.house.home, Role.REVIEWER),
            filename="guide.md",
            collection=Collection.BRAND,
            size_bytes=5,
        )
