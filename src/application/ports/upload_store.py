from datetime import datetime
from typing import Protocol

from domain.documents.upload import Upload
from domain.identifiers import DocumentId, SpaceId, UploadId


class UploadStore(Protocol):
    """Uploads of a space that come in parts. The parts' bytes are elsewhere."""

    async def add(self, upload: Upload, *, most: int) -> None:
        """Keep a new one, unless `most` of its space are unfinished and in their time.

        Raises TooManyUploads.
        """
        ...

    async def get(self, space: SpaceId, upload: UploadId) -> Upload:
        """Raises UploadNotFound, also for another space's."""
        ...

    async def append(
        self, space: SpaceId, upload: UploadId, *, offset: int, size: int, part: DocumentId
    ) -> Upload:
        """Add a part of `size` bytes, if `offset` are there and it is not finished; of two at once
        one is added.

        Raises UploadNotFound, WrongOffset.
        """
        ...

    async def finish(self, space: SpaceId, upload: UploadId, document: DocumentId) -> None:
        """It has become this document, and has no parts any more; one that is gone stays so."""
        ...

    async def remove(self, space: SpaceId, upload: UploadId) -> None:
        """Forget it. Removing what is not there is no error."""
        ...

    async def expired(self, now: datetime, limit: int) -> tuple[tuple[SpaceId, UploadId], ...]:
        """Those whose time is over, of all spaces, oldest first."""
        ...
