"""Vectors of texts of any length: what is too long for a model is embedded in parts."""

from array import array
from collections.abc import Sequence
from math import hypot

from application.embeddings.rolling import EmbedderTurning
from application.ports.embedder import Embedder
from domain.documents.chunking import Chunk, ChunkingPolicy, ChunkKind, embedding_text
from domain.retrieval.vector import EmbeddingModel, Vector


def within(policy: ChunkingPolicy, model: EmbeddingModel) -> ChunkingPolicy:
    """The policy, for a model that takes less than it allows."""
    if policy.max_tokens <= model.max_tokens:
        return policy
    most = model.max_tokens
    return ChunkingPolicy(
        max_tokens=most,
        min_tokens=min(policy.min_tokens, most // 2),
        overlap_tokens=min(policy.overlap_tokens, most // 4),
    )


def require_unchanged(embedder: Embedder, model: EmbeddingModel) -> None:
    """Raise EmbedderTurning when it is another model by now than `model`, which was asked."""
    if embedder.model != model:
        raise EmbedderTurning


def headed(section_path: Sequence[str], text: str) -> str:
    """A passage as it is embedded under these headings."""
    chunk = Chunk(
        ordinal=0,
        text=text,
        section_path=tuple(section_path),
        page=None,
        kind=ChunkKind.PROSE,
        token_count=0,
        context=" > ".join(section_path),
    )
    return embedding_text(chunk)


def parts_of(text: str, embedder: Embedder) -> list[str]:
    """The text, or its halves and theirs, each within the model's limit; no character is lost."""
    if embedder.count_tokens(text) <= embedder.model.max_tokens or len(text) < 2:
        return [text]
    half = len(text) // 2
    at = text.rfind(" ", 1, half + 1)
    at = at if at > 0 else half
    return [*parts_of(text[:at], embedder), *parts_of(text[at:], embedder)]


async def embed_whole(embedder: Embedder, texts: Sequence[str]) -> list[Vector]:
    """One vector a text, of unit length: the mean of its parts' where it has several.

    Raises Unavailable.
    """
    parts = [parts_of(text, embedder) for text in texts]
    flat = await embedder.embed_documents([part for some in parts for part in some])
    vectors, at = [], 0
    for some in parts:
        vectors.append(mean_of(flat[at : at + len(some)]))
        at += len(some)
    return vectors


def mean_of(vectors: Sequence[Vector]) -> Vector:
    """The mean of one vector or more, of unit length."""
    if len(vectors) == 1:
        return vectors[0]
    summed = [sum(values) for values in zip(*vectors, strict=True)]
    length = hypot(*summed) or 1.0
    return array("f", (value / length for value in summed))
