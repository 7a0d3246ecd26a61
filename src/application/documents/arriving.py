"""Bytes on their way in: counted, hashed and looked at as they pass, never held as a whole."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from hashlib import sha256

from domain.documents.document import (
    MAX_DOCUMENT_BYTES,
    DocumentCutShort,
    DocumentEmpty,
    DocumentTooLarge,
)
from domain.documents.media import HEAD_BYTES


class Arriving:
    """An iterator of the pieces; `size_bytes` and `sha256` are right once it has ended.

    Iterating raises `too_many` above `most_bytes`, DocumentEmpty, DocumentCutShort (not
    `expected_bytes` of them came), and what `check` raises of the first bytes.
    """

    def __init__(
        self,
        content: AsyncIterator[bytes],
        *,
        check: Callable[[bytes], object],
        expected_bytes: int | None = None,
        most_bytes: int = MAX_DOCUMENT_BYTES,
        too_many: Callable[[], Exception] = DocumentTooLarge,
    ) -> None:
        self._content = content
        self._check = check
        self._expected_bytes = expected_bytes
        self._most_bytes = most_bytes
        self._too_many = too_many
        self._digest = sha256()
        self._head = b""
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """Lower-case hex."""
        return self._digest.hexdigest()

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        async for piece in self._content:
            self._take(piece)
            yield piece
        if not self.size_bytes:
            raise DocumentEmpty
        if self._expected_bytes not in (None, self.size_bytes):
            raise DocumentCutShort(self.size_bytes, self._expected_bytes or 0)
        if self.size_bytes < HEAD_BYTES:
            self._check(self._head)

    def _take(self, piece: bytes) -> None:
        before = self.size_bytes
        self.size_bytes += len(piece)
        if self.size_bytes > self._most_bytes:
            raise self._too_many()
        self._digest.update(piece)
        if before < HEAD_BYTES:
            self._head += piece[: HEAD_BYTES - before]
            if self.size_bytes >= HEAD_BYTES:
                self._check(self._head)
