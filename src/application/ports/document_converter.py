from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from domain.documents.media import MediaType
from domain.documents.structure import DocumentStructure

# Told how many pages, slides or sheets are read, of how many.
PagesRead: TypeAlias = Callable[[int, int], Awaitable[None]]


class DocumentConverter(Protocol):
    """Reads a file's structure. A hostile file fails alone, within bounded time and memory."""

    async def convert(
        self,
        *,
        filename: str,
        media_type: MediaType,
        content: bytes,
        progress: PagesRead | None = None,
    ) -> DocumentStructure:
        """Convert `content`; cancelling the caller stops the work.

        `progress` is awaited while the pages are read, every quarter of a second at most, with ever
        more of the same total, and in the end with all of them. What it raises ends the conversion.

        Raises:
            DocumentUnreadable: broken, encrypted, over a limit or too slow; the message says which.
            Unavailable: nothing can be read now, whatever the file.
        """
        ...
