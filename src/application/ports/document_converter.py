from typing import Protocol

from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure


class DocumentConverter(Protocol):
    """Reads a file's structure. A hostile file fails alone, within bounded time and memory."""

    async def convert(
        self, *, filename: str, media_type: MediaType, content: bytes
    ) -> DocumentStructure:
        """Convert `content`; cancelling the caller stops the work.

        Raises:
            DocumentUnreadable: broken, encrypted, over a limit or too slow; the message says which.
        """
        ...
