"""SearchKnowledge: what people find in the documents of their space, and why."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from application.context import RequestContext
from application.ports.knowledge_index import KnowledgeIndex
from application.retrieval.deeper import beyond_copies
from application.retrieval.pictures import PictureSearch
from application.retrieval.query_vectors import QueryVectors
from application.retrieval.retrieve import KnowledgeUnavailable
from domain.documents.document import Collection
from domain.errors import FailedPrecondition, InvalidInput, Unavailable
from domain.identifiers import SpaceId
from domain.plain_text import plain_text
from domain.retrieval.fusion import (
    MEANING,
    PICTURES,
    Ranking,
    streams_of,
    without_near_duplicates,
)
from domain.retrieval.highlights import Span, highlights
from domain.retrieval.passage import FusedPassage, Hit, Passage
from domain.retrieval.pictures import fused_with_pictures
from domain.retrieval.policy import Stream
from domain.retrieval.query import RankedPassage, SearchFilter
from domain.retrieval.vector import Vector
from domain.tenancy.access import Action

_log = logging.getLogger(__name__)
WORDS = "words"
MAX_LIMIT = 50
DEFAULT_LIMIT = 10
MAX_QUERY_CHARACTERS = 1_000
MAX_DOCUMENTS = 20
MAX_IMAGE_BYTES = 2 * 1024 * 1024
_SEARCH_SECONDS = 5.0
# Ten of them may go by until a picture is read.
_IMAGE_SECONDS = 15.0
# Some of what is found says the same as something better.
_FOUND_PER_RESULT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What somebody looks for: by a query, by an image (a PNG, JPEG or WebP file), or by both.

    `limit` is the most results that they want.
    """

    query: str
    within: SearchFilter
    limit: int = DEFAULT_LIMIT
    image: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if len(self.image) > MAX_IMAGE_BYTES:
            told = f"an image has at most {MAX_IMAGE_BYTES // 1024 // 1024} MiB: send a smaller one"
            raise InvalidInput(told, field="image")
        blank = not self.query.strip() and not (self.image and not self.query)
        if blank or len(self.query) > MAX_QUERY_CHARACTERS:
            told = f"a query has 1 to {MAX_QUERY_CHARACTERS:,} characters, and not only white space"
            raise InvalidInput(told, field="query")
        plain_text(self.query, "query")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidInput(f"ask for 1 to {MAX_LIMIT} results", field="limit")
        if len(self.within.documents or ()) > MAX_DOCUMENTS:
            raise InvalidInput(f"name at most {MAX_DOCUMENTS} documents", field="document_ids")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPassage:
    """`highlights` are characters of the passage's text."""

    fused: FusedPassage
    highlights: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Best first. `degraded` names the ways that the query could not be looked for."""

    passages: tuple[FoundPassage, ...]
    degraded: tuple[str, ...] = ()


class SearchKnowledge:
    """The search that agents use, without their policies: one statement, in all collections."""

    def __init__(
        self, *, index: KnowledgeIndex, vectors: QueryVectors, pictures: PictureSearch | None = None
    ) -> None:
        self._index = index
        self._vectors = vectors
        self._pictures = pictures

    async def __call__(self, context: RequestContext, search: Search) -> Found:
        """Raises ActionNotAllowed, PictureUnreadable, and KnowledgeUnavailable when nothing could
        be searched.

        Documents of another space are as if they did not exist.
        """
        space = context.space_for(Action.READ)
        by_image = await self._by_image(space, search)
        (found, degraded), asked = await asyncio.gather(
            self._by_text(space, search), self._asked(space, search)
        )
        rankings = [ranking for ranking in (by_image, asked) if ranking is not None]
        fused = fused_with_pictures([_fused(one, search.within) for one in found], rankings)
        told = [_in_its_stream(one, search.within) for one in fused]
        kept = without_near_duplicates(told, search.limit)
        # In a thread: every word of every passage is looked at.
        passages = await asyncio.to_thread(_highlighted, kept, search.query)
        missing = (PICTURES,) if search.query and self._pictures and asked is None else ()
        return Found(passages=passages, degraded=(*degraded, *missing))

    async def _by_text(
        self, space: SpaceId, search: Search
    ) -> tuple[tuple[RankedPassage, ...], tuple[str, ...]]:
        """What words find, and the ways that could not be gone."""
        if not search.query:
            return (), ()
        vector = await self._vectors.in_time(space, search.query)
        found = await self._ranked(space, search, vector)
        return found, () if vector is not None else (MEANING,)

    async def _by_image(self, space: SpaceId, search: Search) -> Ranking | None:
        if not search.image:
            return None
        if self._pictures is None:
            raise FailedPrecondition("pictures cannot be searched in this installation")
        limit = search.limit * _FOUND_PER_RESULT
        try:
            async with asyncio.timeout(_IMAGE_SECONDS):
                return await self._pictures.shown(space, search.image, search.within, limit)
        except TimeoutError as error:
            raise KnowledgeUnavailable from error

    async def _asked(self, space: SpaceId, search: Search) -> Ranking | None:
        """The pictures that show what the query says; None when they could not be searched."""
        if self._pictures is None or not search.query:
            return None
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                return await self._pictures.asked(space, search.query, search.within)
        except (TimeoutError, Unavailable) as error:
            _log.warning("a search goes without pictures: %s", error or "it took too long")
            return None

    async def _ranked(
        self, space: SpaceId, search: Search, vector: Vector | None
    ) -> tuple[RankedPassage, ...]:
        async def ranked(limit: int) -> tuple[RankedPassage, ...]:
            return await self._index.search(
                space,
                text=search.query,
                vector=vector,
                model=self._vectors.model,
                within=search.within,
                limit=limit,
            )

        limit = search.limit * _FOUND_PER_RESULT
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                return await beyond_copies(
                    ranked, lambda found: found.passage.text, limit=limit, wanted=search.limit
                )
        except TimeoutError as error:
            raise KnowledgeUnavailable from error


def _fused(found: RankedPassage, within: SearchFilter) -> FusedPassage:
    stream = _stream(found.passage, within).value
    ranks = ((MEANING, found.semantic_rank), (WORDS, found.lexical_rank))
    hits = tuple(Hit(stream=stream, way=way, rank=rank) for way, rank in ranks if rank is not None)
    return FusedPassage(passage=found.passage, streams=(stream,), score=found.score, hits=hits)


def _in_its_stream(found: FusedPassage, within: SearchFilter) -> FusedPassage:
    """Here a passage is of one stream, by its pictures as by its words."""
    stream = _stream(found.passage, within).value
    hits = tuple(replace(hit, stream=stream) for hit in found.hits)
    return replace(found, hits=hits, streams=streams_of(hits))


def _stream(passage: Passage, within: SearchFilter) -> Stream:
    if within.documents is not None:
        return Stream.REFERENCED
    return Stream.WEB if passage.collection is Collection.WEB else Stream.SEMANTIC


def _highlighted(kept: Sequence[FusedPassage], query: str) -> tuple[FoundPassage, ...]:
    return tuple(
        FoundPassage(fused=one, highlights=highlights(one.passage.text, query)) for one in kept
    )
