"""SearchKnowledge: what people find in the documents of their space, and why."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from application.context import RequestContext
from application.ports.knowledge_index import KnowledgeIndex
from application.retrieval.query_vectors import QueryVectors
from application.retrieval.retrieve import KnowledgeUnavailable
from domain.documents.document import Collection
from domain.errors import InvalidInput, Unavailable
from domain.identifiers import SpaceId
from domain.plain_text import plain_text
from domain.retrieval.fusion import without_near_duplicates
from domain.retrieval.highlights import Span, highlights
from domain.retrieval.passage import FusedPassage, Hit
from domain.retrieval.policy import Stream
from domain.retrieval.query import RankedPassage, SearchFilter
from domain.retrieval.vector import Vector
from domain.tenancy.access import Action

_log = logging.getLogger(__name__)
MEANING, WORDS = "meaning", "words"
MAX_LIMIT = 50
DEFAULT_LIMIT = 10
MAX_QUERY_CHARACTERS = 1_000
MAX_DOCUMENTS = 20
_EMBEDDING_SECONDS = 1.5
_SEARCH_SECONDS = 5.0
# Some of what is found says the same as something better.
_FOUND_PER_RESULT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What somebody looks for. `limit` is the most results that they want."""

    query: str
    within: SearchFilter
    limit: int = DEFAULT_LIMIT

    def __post_init__(self) -> None:
        if not self.query.strip() or len(self.query) > MAX_QUERY_CHARACTERS:
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

    def __init__(self, *, index: KnowledgeIndex, vectors: QueryVectors) -> None:
        self._index = index
        self._vectors = vectors

    async def __call__(self, context: RequestContext, search: Search) -> Found:
        """Raises ActionNotAllowed, and KnowledgeUnavailable when nothing could be searched.

        Documents of another space are as if they did not exist.
        """
        space = context.space_for(Action.READ)
        vector = await self._vector(space, search.query)
        found = await self._ranked(space, search, vector)
        kept = without_near_duplicates([_fused(one, search.within) for one in found], search.limit)
        # In a thread: every word of every passage is looked at.
        passages = await asyncio.to_thread(_highlighted, kept, search.query)
        return Found(passages=passages, degraded=() if vector is not None else (MEANING,))

    async def _vector(self, space: SpaceId, query: str) -> Vector | None:
        try:
            async with asyncio.timeout(_EMBEDDING_SECONDS):
                return await self._vectors.get(space, query)
        except (TimeoutError, Unavailable) as error:
            _log.warning("a search goes by words alone: %s", error or "embedding took too long")
            return None

    async def _ranked(
        self, space: SpaceId, search: Search, vector: Vector | None
    ) -> tuple[RankedPassage, ...]:
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                return await self._index.search(
                    space,
                    text=search.query,
                    vector=vector,
                    model=self._vectors.model,
                    within=search.within,
                    limit=search.limit * _FOUND_PER_RESULT,
                )
        except TimeoutError as error:
            raise KnowledgeUnavailable from error


def _fused(found: RankedPassage, within: SearchFilter) -> FusedPassage:
    stream = _stream(found, within).value
    ranks = ((MEANING, found.semantic_rank), (WORDS, found.lexical_rank))
    hits = tuple(Hit(stream=stream, way=way, rank=rank) for way, rank in ranks if rank is not None)
    return FusedPassage(passage=found.passage, streams=(stream,), score=found.score, hits=hits)


def _stream(found: RankedPassage, within: SearchFilter) -> Stream:
    if within.documents is not None:
        return Stream.REFERENCED
    return Stream.WEB if found.passage.collection is Collection.WEB else Stream.SEMANTIC


def _highlighted(kept: Sequence[FusedPassage], query: str) -> tuple[FoundPassage, ...]:
    return tuple(
        FoundPassage(fused=one, highlights=highlights(one.passage.text, query)) for one in kept
    )
