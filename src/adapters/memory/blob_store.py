"""Documents' bytes in memory."""

from application.ports.blob_store import Content
from domain.documents.document import DocumentNotFound
from domain.identifiers import DocumentId, SpaceId


class MemoryBlobStore:
    def __init__(self) -> None:
        self._blobs: dict[tuple[SpaceId, DocumentId], bytes] = {}

    async def put(self, space: SpaceId, document: DocumentId, content: Content) -> None:
        if isinstance(content, bytes):
            self._blobs[space, document] = content
        else:
            self._blobs[space, document] = b"".join([piece async for piece in content])

    async def get(self, space: SpaceId, document: DocumentId) -> bytes:
        try:
            return self._blobs[space, document]
        except KeyError:
            raise DocumentNotFound from None

    async def delete(self, space: SpaceId, document: DocumentId) -> None:
        self._blobs.pop((space, document), None)

    async def delete_space(self, space: SpaceId) -> int:
        gone = [key for key in self._blobs if key[0] == space]
        for key in gone:
            del self._blobs[key]
        return len(gone)
