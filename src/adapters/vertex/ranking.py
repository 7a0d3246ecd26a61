"""The ranking API of Vertex AI: a model reads the question and each passage together."""

from collections.abc import Sequence

import grpc
from google.cloud.discoveryengine_v1.services.rank_service import RankServiceAsyncClient
from google.cloud.discoveryengine_v1.services.rank_service.transports.grpc_asyncio import (
    RankServiceGrpcAsyncIOTransport,
)
from google.cloud.discoveryengine_v1.types import RankingRecord, RankRequest, RankResponse

from adapters.vertex.asking import Asking
from adapters.vertex.place import VertexPlace
from adapters.vertex.together import together
from domain.errors import Unavailable
from domain.retrieval.passage import Passage

_MOST_RECORDS = 200


class RankerUnavailable(Unavailable):
    reason = "RERANKER_UNAVAILABLE"


class VertexReranker:
    """Scores from 0 to 1; the service looks at a passage's beginning where it is too long."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        place: VertexPlace,
        model: str,
        *,
        seconds: float = 2.0,
    ) -> None:
        self._client = RankServiceAsyncClient(
            transport=RankServiceGrpcAsyncIOTransport(channel=channel)
        )
        self._asking = Asking(channel, model=model, unavailable=RankerUnavailable, seconds=seconds)
        self._model = model
        self._config = (
            f"projects/{place.project}/locations/{place.location}"
            "/rankingConfigs/default_ranking_config"
        )

    async def close(self) -> None:
        """Close the connection; running requests fail, later ones are refused."""
        await self._asking.close()

    async def score(self, question: str, passages: Sequence[Passage]) -> tuple[float, ...]:
        records = [
            RankingRecord(id=str(place), title=_heading(passage), content=_whole(passage.text))
            for place, passage in enumerate(passages)
            if passage.text.strip()
        ]
        scores = [0.0] * len(passages)
        if not question.strip():
            return tuple(scores)
        parts = range(0, len(records), _MOST_RECORDS)
        answers = await together(
            self._ranked(_whole(question), records[at : at + _MOST_RECORDS]) for at in parts
        )
        for answer in answers:
            for record in RankResponse.pb(answer).records:
                scores[_place(record.id, len(scores))] = record.score
        return tuple(scores)

    async def _ranked(self, question: str, records: Sequence[RankingRecord]) -> RankResponse:
        request = RankRequest(
            ranking_config=self._config,
            model=self._model,
            query=question,
            records=records,
            ignore_record_details_in_response=True,
        )
        return await self._asking.ask(self._client.rank, request)


def _heading(passage: Passage) -> str:
    return _whole(" > ".join((passage.title, *passage.section_path)))


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _place(record: str, length: int) -> int:
    if not record.isdecimal() or int(record) >= length:
        raise RankerUnavailable("the ranking model answers for passages that nobody showed it")
    return int(record)
