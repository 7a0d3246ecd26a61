"""Looks the question up in one collection: past campaigns, or what competitors' pages say."""

import json

from application.ports.knowledge_index import KnowledgeIndex
from application.ports.tool import ToolInput, ToolOutput
from application.retrieval.query_vectors import QueryVectors
from domain.agents.effect import Effect
from domain.documents.document import Collection
from domain.retrieval.fusion import reciprocal_rank_fusion
from domain.retrieval.passage import FusedPassage
from domain.retrieval.policy import Stream

_LIMIT = 3


class CollectionSearch:
    """A tool under two names: `campaign_precedents` and `competitor_scan`.

    What it finds joins the candidates for the prompt, so it is cited like any other passage.
    """

    effect = Effect.NONE

    def __init__(
        self, *, name: str, collection: Collection, index: KnowledgeIndex, vectors: QueryVectors
    ) -> None:
        self.name = name
        self._collection = collection
        self._index = index
        self._vectors = vectors

    def arguments_json(self, given: ToolInput) -> str:
        return json.dumps({"collection": self._collection.value, "query": given.search_text})

    async def call(self, given: ToolInput) -> ToolOutput:
        vector = await self._vectors.in_time(given.space, given.search_text)
        found = await self._index.hybrid(
            given.space,
            text=given.search_text,
            vector=vector,
            model=self._vectors.model,
            collections=frozenset({self._collection}),
            limit=_LIMIT,
        )
        fused = reciprocal_rank_fusion({Stream.SEMANTIC: found}, {Stream.SEMANTIC: 1.0})
        return ToolOutput(result_json=_result(fused), brief="", passages=tuple(fused))


def _result(fused: list[FusedPassage]) -> str:
    return json.dumps(
        {"found": [{"title": f.passage.title, "chunk_id": str(f.passage.chunk_id)} for f in fused]}
    )
