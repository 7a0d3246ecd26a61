"""Text embeddings of Vertex AI, `gemini-embedding-001` and its kin: 3,072 dimensions."""

import asyncio
import re
from array import array
from collections.abc import Sequence

import grpc
from google.cloud.aiplatform_v1.services.prediction_service import PredictionServiceAsyncClient
from google.cloud.aiplatform_v1.types import PredictRequest, PredictResponse
from google.protobuf.struct_pb2 import Struct

from adapters.vertex.asking import Asking
from adapters.vertex.channel import prediction_client
from adapters.vertex.place import VertexPlace
from adapters.vertex.together import together
from domain.errors import ObeliskError
from domain.retrieval.embedding_inputs import batches, refuse_long
from domain.retrieval.vector import (
    EmbedderUnavailable,
    EmbeddingModel,
    TextTooLong,
    Vector,
    of_unit_length,
    sized,
)
from domain.token_bound import cut_to, most_tokens

_TOO_LONG = re.compile(r"\btokens?\b", re.IGNORECASE)
# The service refuses a text without a word; a lone stop means as little.
_NOTHING = "."


class VertexEmbedder:
    """Asks with the task type of questions, or of passages; the service cuts nothing.

    A request holds at most `batch` texts (Gemini's models take one) and `batch_tokens` tokens.
    So many requests for passages run `at_once`, and questions do not wait for them.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        place: VertexPlace,
        model: str,
        *,
        dimensions: int = 3072,
        max_tokens: int = 2048,
        batch: int = 1,
        batch_tokens: int = 16_000,
        at_once: int = 8,
        seconds: float = 60.0,
    ) -> None:
        """Raises:
        ValueError: a number is below 1.
        """
        if min(dimensions, max_tokens, batch, batch_tokens, at_once) < 1:
            raise ValueError("dimensions, tokens, batch and at_once count from 1")
        self._client: PredictionServiceAsyncClient = prediction_client(channel)
        self._asking = Asking(
            channel, model=model, unavailable=EmbedderUnavailable, seconds=seconds
        )
        self._endpoint = place.model(model)
        self._batch, self._batch_tokens = batch, batch_tokens
        self._places = asyncio.Semaphore(at_once)
        self._model = EmbeddingModel(
            name=sized(model, dimensions), dimensions=dimensions, max_tokens=max_tokens
        )

    @property
    def model(self) -> EmbeddingModel:
        return self._model

    def count_tokens(self, text: str) -> int:
        return most_tokens(text)

    async def close(self) -> None:
        """Close the connection; running requests fail, later ones are refused."""
        await self._asking.close()

    async def embed_query(self, text: str) -> Vector:
        whole = cut_to(text, self._model.max_tokens)
        (vector,) = await self._embedded("RETRIEVAL_QUERY", [whole])
        return vector

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        refuse_long(texts, self._model)
        parts = batches(texts, items=self._batch, tokens=self._batch_tokens)
        found = await together(self._in_its_place(part) for part in parts)
        return [vector for vectors in found for vector in vectors]

    async def _in_its_place(self, texts: Sequence[str]) -> list[Vector]:
        async with self._places:
            return await self._embedded("RETRIEVAL_DOCUMENT", texts)

    async def _embedded(self, task_type: str, texts: Sequence[str]) -> list[Vector]:
        request = PredictRequest(endpoint=self._endpoint)
        # The bare message: proto-plus copies each value several times.
        message = PredictRequest.pb(request)
        for text in texts:
            content = text.encode("utf-8", "replace").decode() if text.strip() else _NOTHING
            instance = {"content": content, "task_type": task_type}
            message.instances.add().struct_value.update(instance)
        message.parameters.struct_value.update(
            {"outputDimensionality": self._model.dimensions, "autoTruncate": False}
        )
        answer = await self._asking.ask(self._client.predict, request, wrong=_refusal)
        rows = PredictResponse.pb(answer).predictions
        if len(rows) != len(texts):
            raise EmbedderUnavailable(f"{len(rows)} vectors came for {len(texts)} texts")
        return [self._vector(row.struct_value) for row in rows]

    def _vector(self, row: Struct) -> Vector:
        embedding = row.fields["embeddings"].struct_value.fields
        if embedding["statistics"].struct_value.fields["truncated"].bool_value:
            raise TextTooLong(f"the model {self._model.name} read a text's beginning alone")
        numbers = embedding["values"].list_value.values
        try:
            vector = array("f", (number.number_value for number in numbers))
            return of_unit_length(vector, self._model.dimensions)
        except ValueError as error:
            raise EmbedderUnavailable(
                f"the embedding model {self._model.name} cannot be used: {error}"
            ) from error


def _refusal(words: str) -> ObeliskError:
    return TextTooLong(words) if _TOO_LONG.search(words) else EmbedderUnavailable(words)
