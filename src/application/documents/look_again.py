"""LookAgain: today's model looks at pictures that it has not seen, while their text serves."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from application.documents.ingest import IngestDocument
from application.documents.seeing import seen_by
from application.ports.blob_store import BlobStore
from application.ports.document_converter import DocumentConverter
from application.ports.picture_looks import PictureLooks
from application.ports.visual_embedder import VisualEmbedder
from application.unbroken import unbroken
from domain.documents.document import Document, IngestLost
from domain.documents.looking import (
    PICTURES_GIVEN_UP,
    PICTURES_WAIT,
    Look,
    look_delay,
    pictures_of,
)
from domain.documents.structure import DocumentStructure
from domain.errors import ObeliskError, Unavailable

_IDLE_SECONDS = 30.0
_AWAY_SECONDS = 600.0
_log = logging.getLogger(__name__)


class LookAgain:
    """One document at a time, and never longer at work than at rest: uploads come first.

    It rests `idle_seconds` when there is nothing to look at, and longer while the model is away.
    """

    def __init__(
        self,
        *,
        looks: PictureLooks,
        blobs: BlobStore,
        converter: DocumentConverter,
        visual: VisualEmbedder,
        ingest: IngestDocument,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        self._looks = looks
        self._blobs = blobs
        self._converter = converter
        self._visual = visual
        self._ingest = ingest
        self._idle_seconds = idle_seconds

    async def __call__(self) -> bool:
        """Look at the pictures of one document; whether there was one.

        A document that cannot be read any more keeps its text, and is given up. Raises Unavailable:
        the model does not answer, or the database.
        """
        look = await self._looks.take(self._visual.model)
        if look is None:
            return False
        try:
            await self._finish(look)
        except Unavailable:
            await unbroken(self._looks.put_off(look, look_delay(look.delays)))
            raise
        except asyncio.CancelledError:
            # Somebody else may go on with it at once.
            await unbroken(self._looks.put_off(look, timedelta()))
            raise
        except IngestLost:
            _log.info("document %s was taken up elsewhere", look.document.document_id)
        return True

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        """Go on with it until left."""
        # Owned here: cancelled and awaited on the way out.
        task = asyncio.get_running_loop().create_task(self._go_on())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _go_on(self) -> None:
        rest = self._idle_seconds
        while True:
            await asyncio.sleep(rest)
            began = time.monotonic()
            try:
                found = await self()
                rest = max(time.monotonic() - began, 1.0) if found else self._idle_seconds
            except Unavailable as error:
                rest = min(2 * max(rest, self._idle_seconds), _AWAY_SECONDS)
                _log.warning("pictures wait to be looked at: %s", error.message)
            except Exception:  # noqa: BLE001 - one document must not end it for the others
                rest = self._idle_seconds
                _log.exception("looking at pictures failed")

    async def _finish(self, look: Look) -> None:
        try:
            if look.is_one_too_many:
                await self._give_up(look)
                return
            await self._look(look.document)
        except (Unavailable, IngestLost):
            raise
        except ObeliskError as error:
            # Deleted meanwhile, its bytes gone, or no longer readable.
            _log.warning("document %s: %s", look.document.document_id, error.message)
            await self._give_up(look)

    async def _look(self, document: Document) -> None:
        structure = await self._converter.convert(
            filename=document.filename,
            media_type=document.media_type,
            content=await self._blobs.get(document.space_id, document.document_id),
        )
        kept = await self._looks.kept_text(document)
        pictures = await asyncio.to_thread(pictures_of, structure, kept)
        if pictures is None:
            await self._swap(document, structure)
            return
        seen = await seen_by(self._visual, pictures)
        await self._looks.keep(document, seen, structure.warnings)

    async def _swap(self, document: Document, structure: DocumentStructure) -> None:
        """The file is read otherwise by now: its passages are made anew with their pictures."""
        _log.info("document %s is read anew", document.document_id)
        await self._ingest.swap(document, structure)

    async def _give_up(self, look: Look) -> None:
        told = [one for one in look.document.warnings if one not in _OF_PICTURES]
        await self._looks.give_up(look, (*told, PICTURES_GIVEN_UP))


_OF_PICTURES = (PICTURES_WAIT, PICTURES_GIVEN_UP)
