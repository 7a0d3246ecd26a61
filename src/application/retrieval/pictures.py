"""Search among pictures, for words and for a picture, beside the search among texts."""

import asyncio

from application.ports.picture_index import PictureIndex
from application.ports.picture_reader import PictureReader
from application.ports.visual_embedder import VisualEmbedder
from domain.documents.document import DocumentUnreadable
from domain.errors import Unavailable
from domain.identifiers import SpaceId
from domain.retrieval.fusion import PICTURES, Ranking
from domain.retrieval.passage import Passage
from domain.retrieval.pictures import (
    MOST_ASKED,
    PICTURES_WEIGHT,
    PictureQuery,
    PictureUnreadable,
)
from domain.retrieval.policy import Stream
from domain.retrieval.query import SearchFilter

_READING_SECONDS = 10.0


class PictureReaderBusy(Unavailable):
    reason = "PICTURE_READER_BUSY"

    def __init__(self) -> None:
        super().__init__("the pictures of other searches are being read right now; try again")


class PictureSearch:
    """Costs one small question to the database where a space holds no pictures."""

    def __init__(
        self, *, index: PictureIndex, embedder: VisualEmbedder, reader: PictureReader
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._reader = reader

    async def asked(self, space: SpaceId, text: str, within: SearchFilter) -> Ranking:
        """The few passages whose pictures show best what `text` says.

        Raises:
            Unavailable: the model, or the database, does not answer.
        """
        found: tuple[Passage, ...] = ()
        if await self._index.holds(space, self._embedder.model):
            query = await self._embedder.embed_query(text)
            found = await self._nearest(space, query, within, MOST_ASKED)
        return _ranking(found, PICTURES_WEIGHT)

    async def shown(
        self, space: SpaceId, image: bytes, within: SearchFilter, limit: int
    ) -> Ranking:
        """Passages whose pictures look like the one in a file, best first.

        Raises:
            PictureUnreadable: the file is no picture that can be read; the message says why.
            Unavailable: the model, or the database, does not answer.
        """
        query = await self._embedder.embed_picture_query(await self._small(image))
        return _ranking(await self._nearest(space, query, within, limit), 1.0)

    async def _small(self, image: bytes) -> bytes:
        try:
            async with asyncio.timeout(_READING_SECONDS):
                return await self._reader.small(image)
        except TimeoutError as error:
            raise PictureReaderBusy from error
        except DocumentUnreadable as error:
            raise PictureUnreadable(error.message, field="image") from error

    async def _nearest(
        self, space: SpaceId, query: PictureQuery, within: SearchFilter, limit: int
    ) -> tuple[Passage, ...]:
        model = self._embedder.model
        return await self._index.nearest(
            space, query=query, model=model, within=within, limit=limit
        )


def _ranking(found: tuple[Passage, ...], weight: float) -> Ranking:
    return Ranking(stream=Stream.SEMANTIC, passages=found, weight=weight, way=PICTURES)
