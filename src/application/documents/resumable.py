"""StartUpload, AppendUpload, GetUpload, FinishUpload, CancelUpload: a file in several requests."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator

from application.context import RequestContext
from application.documents.arriving import Arriving
from application.documents.keep import KeepDocument
from application.ports.blob_store import BlobStore
from application.ports.clock import Clock
from application.ports.document_store import DocumentStore
from application.ports.entropy import Entropy
from application.ports.upload_store import UploadStore
from application.unbroken import unbroken
from domain.documents.document import (
    MAX_DOCUMENT_BYTES,
    Collection,
    Document,
    DocumentEmpty,
    DocumentNotFound,
    DocumentTooLarge,
    checked_filename,
)
from domain.documents.media import check_suffix, media_type_of
from domain.documents.upload import (
    MOST_PARTS,
    MOST_UPLOADS,
    UPLOAD_LIFE,
    TooManyParts,
    Upload,
    UploadFinished,
    UploadNotFound,
    UploadTooLong,
    UploadUnfinished,
    WrongOffset,
)
from domain.errors import Unavailable
from domain.identifiers import DocumentId, SpaceId, UploadId
from domain.tenancy.access import Action

_EXPIRED_AT_ONCE = 100
_log = logging.getLogger(__name__)


class ResumableUploads:
    """Each part is kept whole or not at all; what is kept tells where to go on."""

    def __init__(
        self,
        *,
        uploads: UploadStore,
        documents: DocumentStore,
        blobs: BlobStore,
        keep: KeepDocument,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._uploads = uploads
        self._documents = documents
        self._blobs = blobs
        self._keep = keep
        self._clock = clock
        self._entropy = entropy

    async def start(
        self, context: RequestContext, *, filename: str, collection: Collection, size_bytes: int
    ) -> Upload:
        """Begin an upload of exactly so many bytes; it has a day.

        Raises:
            UnsupportedMediaType, InvalidInput, DocumentTooLarge, DocumentEmpty, TooManyUploads.
        """
        space = context.space_for(Action.EDIT_DOCUMENTS)
        name = checked_filename(filename)
        check_suffix(name)
        if size_bytes < 1:
            raise DocumentEmpty
        if size_bytes > MAX_DOCUMENT_BYTES:
            raise DocumentTooLarge
        now = self._clock.now()
        upload = Upload(
            upload_id=UploadId(self._entropy.uuid()),
            space_id=space,
            filename=name,
            collection=collection,
            size_bytes=size_bytes,
            create_time=now,
            expire_time=now + UPLOAD_LIFE,
        )
        await self._uploads.add(upload, most=MOST_UPLOADS)
        return upload

    async def get(self, context: RequestContext, *, upload_id: UploadId) -> Upload:
        """Where it is. Raises UploadNotFound."""
        return await self._open(context.space_for(Action.EDIT_DOCUMENTS), upload_id)

    async def append(
        self,
        context: RequestContext,
        *,
        upload_id: UploadId,
        offset: int,
        content: AsyncIterator[bytes],
    ) -> Upload:
        """Keep the bytes that follow the first `offset` ones.

        Raises:
            UploadNotFound, UploadFinished, TooManyParts, DocumentEmpty (no bytes came).
            WrongOffset: others are next; nothing was kept.
            UploadTooLong: more came than were announced; nothing of this part was kept.
        """
        space = context.space_for(Action.EDIT_DOCUMENTS)
        upload = await self._open(space, upload_id)
        if upload.document_id is not None:
            raise UploadFinished
        if offset != upload.received_bytes:
            raise WrongOffset(offset, upload.received_bytes)
        if len(upload.parts) >= MOST_PARTS:
            raise TooManyParts
        part = DocumentId(self._entropy.uuid())
        arriving = Arriving(
            content,
            check=lambda _: None,
            most_bytes=upload.size_bytes - upload.received_bytes,
            too_many=UploadTooLong,
        )
        try:
            await self._blobs.put(space, part, aiter(arriving))
            size = arriving.size_bytes
            return await self._uploads.append(space, upload_id, offset=offset, size=size, part=part)
        except BaseException:
            await unbroken(self._forget(upload, part))
            raise

    async def finish(self, context: RequestContext, *, upload_id: UploadId) -> Document:
        """Make it a document; asked again, answer the same one.

        Raises:
            UploadNotFound, MediaTypeMismatch, DocumentNotFound (deleted since).
            UploadUnfinished: not all bytes have come.
        """
        space = context.space_for(Action.EDIT_DOCUMENTS)
        upload = await self._open(space, upload_id)
        if upload.document_id is None:
            try:
                return await self._finished(upload)
            except DocumentNotFound:
                # Its parts are gone: somebody else has finished it at the same time.
                upload = await self._open(space, upload_id)
                if upload.document_id is None:
                    raise
        return await self._documents.get(space, upload.document_id)

    async def cancel(self, context: RequestContext, *, upload_id: UploadId) -> None:
        """Forget what has come. A document that it has become stays. Raises UploadNotFound."""
        space = context.space_for(Action.EDIT_DOCUMENTS)
        await self._remove(await self._open(space, upload_id))

    async def expire(self) -> None:
        """Forget all whose time is over."""
        while over := await self._uploads.expired(self._clock.now(), _EXPIRED_AT_ONCE):
            for space, upload_id in over:
                try:
                    await self._remove(await self._uploads.get(space, upload_id))
                except UploadNotFound:
                    continue

    async def _open(self, space: SpaceId, upload_id: UploadId) -> Upload:
        upload = await self._uploads.get(space, upload_id)
        if upload.expire_time <= self._clock.now():
            raise UploadNotFound
        return upload

    async def _finished(self, upload: Upload) -> Document:
        if upload.received_bytes < upload.size_bytes:
            raise UploadUnfinished(upload.received_bytes, upload.size_bytes)
        document = await self._keep(
            upload.space_id,
            filename=upload.filename,
            media_type=check_suffix(upload.filename),
            collection=upload.collection,
            content=Arriving(
                self._whole(upload),
                check=lambda head: media_type_of(upload.filename, head),
                expected_bytes=upload.size_bytes,
            ),
        )
        await self._uploads.finish(upload.space_id, upload.upload_id, document.document_id)
        await self._delete(upload)
        return document

    async def _whole(self, upload: Upload) -> AsyncGenerator[bytes]:
        for part in upload.parts:
            yield await self._blobs.get(upload.space_id, part)

    async def _remove(self, upload: Upload) -> None:
        """Bytes first: a crash between leaves a row, by which they are found again."""
        for part in upload.parts:
            await self._blobs.delete(upload.space_id, part)
        await self._uploads.remove(upload.space_id, upload.upload_id)

    async def _delete(self, upload: Upload) -> None:
        for part in upload.parts:
            await self._forget(upload, part)

    async def _forget(self, upload: Upload, part: DocumentId) -> None:
        """What is told is why they are not wanted; bytes that cannot be removed stay behind."""
        try:
            if part not in await self._parts(upload):
                await self._blobs.delete(upload.space_id, part)
        except Unavailable as error:
            _log.warning("a part of upload %s stays behind: %s", upload.upload_id, error.message)

    async def _parts(self, upload: Upload) -> tuple[DocumentId, ...]:
        """As the store has them: a part may have been added although nobody was told."""
        try:
            return (await self._uploads.get(upload.space_id, upload.upload_id)).parts
        except UploadNotFound:
            return ()
