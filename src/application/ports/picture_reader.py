from typing import Protocol


class PictureReader(Protocol):
    """Reads pictures of strangers. A hostile one fails alone, within bounded time and memory."""

    async def small(self, content: bytes) -> bytes:
        """A small JPEG of our own making of the PNG, JPEG or WebP file in `content`.

        Raises:
            DocumentUnreadable: it is none, broken, too large, or shows nothing; the message says
                which.
        """
        ...
