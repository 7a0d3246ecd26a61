from collections.abc import AsyncIterator
from typing import Protocol

from domain.identifiers import DocumentId, SpaceId

Content = bytes | AsyncIterator[bytes]


class BlobStore(Protocol):
    """The raw bytes of documents, kept under their space."""

    async def put(self, space: SpaceId, document: DocumentId, content: Content) -> None:
        """Keep the bytes durably; putting again replaces them, whole or not at all.

        An iterator is taken piece by piece, never held as a whole. What it raises is raised here,
        and then nothing of it is kept.

        Raises Unavailable (reason BLOB_STORE_UNAVAILABLE).
        """
        ...

    async def get(self, space: SpaceId, document: DocumentId) -> bytes:
        """Raises DocumentNotFound when there are none, Unavailable."""
        ...

    async def delete(self, space: SpaceId, document: DocumentId) -> None:
        """Remove the bytes; removing what is not there is no error. Raises Unavailable."""
        ...

    async def delete_space(self, space: SpaceId) -> int:
        """Remove all bytes of the space and what held them; how many documents' bytes it was.

        Raises Unavailable.
        """
        ...
