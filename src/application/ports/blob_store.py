from typing import Protocol

from domain.identifiers import DocumentId, SpaceId


class BlobStore(Protocol):
    """The raw bytes of documents, kept under their space."""

    async def put(self, space: SpaceId, document: DocumentId, content: bytes) -> None:
        """Keep the bytes durably; putting again replaces them."""
        ...

    async def get(self, space: SpaceId, document: DocumentId) -> bytes:
        """Raises DocumentNotFound when there are none."""
        ...

    async def delete(self, space: SpaceId, document: DocumentId) -> None:
        """Remove the bytes; removing what is not there is no error."""
        ...

    async def delete_space(self, space: SpaceId) -> int:
        """Remove all bytes of the space and what held them; how many documents' bytes it was."""
        ...
