"""How far the reading of a document has come, written down for whoever watches it."""

import logging

from application.ports.clock import Clock
from application.ports.document_store import DocumentStore
from domain.documents.document import Document, IngestState
from domain.errors import Unavailable

# Between two writes: a long file has a thousand pages, and its watchers look four times a second.
_SECONDS = 0.25
_log = logging.getLogger(__name__)


class ReadingProgress:
    """Told of pages as they are read; most documents are through before anything is written."""

    def __init__(self, documents: DocumentStore, clock: Clock, document: Document) -> None:
        self._documents = documents
        self._clock = clock
        self._document = document
        self._written = clock.monotonic()

    async def __call__(self, done: int, total: int) -> None:
        """Raises DocumentNotFound when nobody wants the document any more, and IngestLost."""
        now, document = self._clock.monotonic(), self._document
        # That all of it is read is told by the next state.
        if done >= total or now - self._written < _SECONDS:
            return
        self._written = now
        try:
            await self._documents.move(
                document.space_id,
                document.document_id,
                IngestState.CONVERTING,
                done=done,
                total=total,
                fence=document.fence,
            )
        except Unavailable as error:
            _log.debug(
                "progress of document %s is not told: %s", document.document_id, error.message
            )
