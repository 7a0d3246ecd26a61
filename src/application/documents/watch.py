"""WatchDocument: how far a document's ingestion is, until it is over."""

import asyncio
from collections.abc import AsyncGenerator

from application.context import RequestContext
from application.ports.clock import Clock
from application.ports.document_store import DocumentStore
from application.runs.watch import HEARTBEAT_SECONDS, Heartbeat
from application.runs.watchers import WatcherLimits, Watchers
from domain.documents.document import Document, IngestState
from domain.identifiers import DocumentId
from domain.tenancy.access import Action

# The rows are looked at, not announced: four times a second at most, twice while pages are read or
# passages embedded, and every other second by who waits for it to begin.
_SHORTEST_SECONDS = 0.25
_AT_WORK_SECONDS = 0.5
_LONGEST_SECONDS = 2.0
_MOST_WATCHERS, _MOST_OF_A_SPACE = 1_000, 100


class WatchDocument:
    def __init__(
        self,
        *,
        documents: DocumentStore,
        clock: Clock,
        limits: WatcherLimits | None = None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        poll_seconds: float = _SHORTEST_SECONDS,
    ) -> None:
        self._documents = documents
        self._clock = clock
        self._watchers = Watchers(
            limits or WatcherLimits(a_process=_MOST_WATCHERS, a_space=_MOST_OF_A_SPACE)
        )
        self._heartbeat_seconds = heartbeat_seconds
        self._poll_seconds = poll_seconds

    async def __call__(
        self, context: RequestContext, *, document_id: DocumentId
    ) -> AsyncGenerator[Document | Heartbeat]:
        """Yield the document as it is now, then whenever it has changed, until it is READY or
        FAILED; steps that follow one another quickly are told as one.

        A heartbeat comes whenever nothing else did for `heartbeat_seconds`.

        Raises:
            DocumentNotFound: also when it is deleted, or replaced, while it is watched.
            TooManyWatchers: there is no place left.
        """
        space = context.space_for(Action.READ)
        with self._watchers.place(space):
            document = await self._documents.get(space, document_id)
            yield document
            told, pause = self._clock.monotonic(), self._poll_seconds
            while not document.state.is_final:
                await asyncio.sleep(pause)
                before, document = document, await self._documents.get(space, document_id)
                waits = document.state is IngestState.PENDING
                longest = _LONGEST_SECONDS if waits else _AT_WORK_SECONDS
                pause = min(pause * 2, max(longest, self._poll_seconds))
                if document != before:
                    pause = self._poll_seconds
                    yield document
                elif self._clock.monotonic() - told < self._heartbeat_seconds:
                    continue
                else:
                    yield Heartbeat(time=self._clock.now())
                told = self._clock.monotonic()
