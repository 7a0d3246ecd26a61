"""Embeddings from any server that speaks the OpenAI dialect."""

import json
from array import array
from collections.abc import Sequence

import httpx

from adapters.openai_compatible.errors import ServerRefused, ServerSilent
from adapters.openai_compatible.model_server import Deadlines, ModelServer
from domain.retrieval.embedding_inputs import batches, refuse_long
from domain.retrieval.vector import (
    EmbedderUnavailable,
    EmbeddingModel,
    Vector,
    of_unit_length,
    sized,
)
from domain.token_bound import cut_to, most_tokens


class OpenAiCompatibleEmbedder:
    """`query_prefix` and `document_prefix` carry the task type, for models that are told in words.

    A request holds at most `batch` texts, and `batch_tokens` tokens. Servers cut long texts without
    a word, so a text that might be too long is refused here.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        dimensions: int,
        max_tokens: int = 512,
        api_key: str | None = None,
        query_prefix: str = "",
        document_prefix: str = "",
        batch: int = 32,
        batch_tokens: int = 16_000,
        deadlines: Deadlines | None = None,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        """Raises:
        ValueError: `base_url` is not an http(s) address, or a number is below 1.
        """
        if min(dimensions, max_tokens, batch, batch_tokens) < 1:
            raise ValueError("dimensions, max_tokens, batch and batch_tokens count from 1")
        self._server = ModelServer(base_url, api_key=api_key, deadlines=deadlines, client=client)
        self._prefixes = (query_prefix, document_prefix)
        self._batch = batch
        self._batch_tokens = batch_tokens
        room = max_tokens - max(map(most_tokens, self._prefixes))
        self._asked = model
        self._model = EmbeddingModel(
            name=sized(model, dimensions), dimensions=dimensions, max_tokens=room
        )

    @property
    def model(self) -> EmbeddingModel:
        return self._model

    def count_tokens(self, text: str) -> int:
        return most_tokens(text)

    async def close(self) -> None:
        """Close the connections; running requests fail, later ones are refused."""
        await self._server.close()

    async def embed_query(self, text: str) -> Vector:
        (vector,) = await self._embed([self._prefixes[0] + cut_to(text, self._model.max_tokens)])
        return vector

    async def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        refuse_long(texts, self._model)
        prefixed = [self._prefixes[1] + text for text in texts]
        vectors: list[Vector] = []
        for some in batches(prefixed, items=self._batch, tokens=self._batch_tokens):
            vectors += await self._embed(some)
        return vectors

    async def _embed(self, texts: list[str]) -> list[Vector]:
        if self._server.closed:
            raise EmbedderUnavailable("the embedding model is closed")
        whole = [text.encode("utf-8", "replace").decode() for text in texts]
        body = {"model": self._asked, "input": whole, "encoding_format": "float"}
        try:
            async with self._server.post("/embeddings", body) as answer:
                return self._vectors(await answer.response.aread(), len(texts))
        except ServerRefused as refused:
            raise EmbedderUnavailable(
                f"the embedding server refuses the request (status {refused.status})"
            ) from refused
        except (ServerSilent, httpx.HTTPError) as silence:
            raise EmbedderUnavailable(str(silence) or "the server broke off") from silence

    def _vectors(self, answer: bytes, expected: int) -> list[Vector]:
        try:
            rows = sorted(json.loads(answer)["data"], key=lambda row: int(row["index"]))
            vectors = [array("f", row["embedding"]) for row in rows]
        except (ValueError, KeyError, TypeError) as error:
            raise EmbedderUnavailable("the embedding server sent no vectors") from error
        if len(vectors) != expected:
            raise EmbedderUnavailable(f"{len(vectors)} vectors came for {expected} texts")
        return [self._unit(vector) for vector in vectors]

    def _unit(self, vector: Vector) -> Vector:
        try:
            return of_unit_length(vector, self._model.dimensions)
        except ValueError as error:
            raise EmbedderUnavailable(
                f"the embedding model {self._asked} cannot be used: {error}"
            ) from error
