"""Uploads that come in parts, in memory."""

from dataclasses import replace
from datetime import datetime

from adapters.memory.state import MemoryState
from domain.documents.upload import TooManyUploads, Upload, UploadNotFound, WrongOffset
from domain.identifiers import DocumentId, SpaceId, UploadId


class MemoryUploadStore:
    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def add(self, upload: Upload, *, most: int) -> None:
        self._state.check(upload.space_id)
        unfinished = [
            other
            for (space, _), other in self._state.uploads.items()
            if space == upload.space_id
            and other.document_id is None
            and other.expire_time > upload.create_time
        ]
        if len(unfinished) >= most:
            raise TooManyUploads
        self._state.uploads[upload.space_id, upload.upload_id] = upload

    async def get(self, space: SpaceId, upload: UploadId) -> Upload:
        try:
            return self._state.uploads[space, upload]
        except KeyError:
            raise UploadNotFound from None

    async def append(
        self, space: SpaceId, upload: UploadId, *, offset: int, size: int, part: DocumentId
    ) -> Upload:
        kept = await self.get(space, upload)
        if kept.received_bytes != offset or kept.document_id is not None:
            raise WrongOffset(offset, kept.received_bytes)
        longer = replace(kept, received_bytes=offset + size, parts=(*kept.parts, part))
        self._state.uploads[space, upload] = longer
        return longer

    async def finish(self, space: SpaceId, upload: UploadId, document: DocumentId) -> None:
        kept = self._state.uploads.get((space, upload))
        if kept is not None:
            done = replace(kept, document_id=document, parts=())
            self._state.uploads[space, upload] = done

    async def remove(self, space: SpaceId, upload: UploadId) -> None:
        self._state.uploads.pop((space, upload), None)

    async def expired(self, now: datetime, limit: int) -> tuple[tuple[SpaceId, UploadId], ...]:
        over = [(u.expire_time, key) for key, u in self._state.uploads.items()]
        return tuple(key for time, key in sorted(over) if time <= now)[:limit]
