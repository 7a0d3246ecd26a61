"""Models of Vertex AI for addresses such as vertex://my-project/europe-west4.

Those that open one raise InvalidInput: no such address, no name, or no credentials.
"""

from contextlib import AsyncExitStack

from adapters.vertex.opening import (
    open_chat_model,
    open_embedder,
    open_reranker,
    open_visual_embedder,
)
from adapters.vertex.place import SCHEME, VertexPlace
from application.ports.chat_model import ChatModel
from application.ports.embedder import Embedder
from application.ports.reranker import Reranker
from application.ports.visual_embedder import VisualEmbedder
from domain.errors import InvalidInput
from entrypoints.model_settings import ModelSettings


def is_vertex(url: str) -> bool:
    """Whether an address leads to Vertex AI."""
    return url.startswith(f"{SCHEME}:")


def named(name: str | None, variable: str) -> str:
    """Raises:
    InvalidInput: a server is set without the name of its model.
    """
    if not name:
        raise InvalidInput(f"a model server needs its model's name: set {variable}")
    return name


async def vertex_chat_model(
    url: str, model: str, context_tokens: int, stack: AsyncExitStack
) -> ChatModel:
    """What writes answers, or says questions in other words."""
    chat = await open_chat_model(VertexPlace.parse(url), model, context_tokens=context_tokens)
    stack.push_async_callback(chat.close)
    return chat


async def vertex_embedder(url: str, model: str, dimensions: int, stack: AsyncExitStack) -> Embedder:
    """Vectors of texts."""
    embedder = await open_embedder(VertexPlace.parse(url), model, dimensions=dimensions)
    stack.push_async_callback(embedder.close)
    return embedder


async def vertex_pictures(settings: ModelSettings, stack: AsyncExitStack) -> VisualEmbedder:
    """Vectors of pictures."""
    embedder = await open_visual_embedder(
        VertexPlace.parse(settings.picture_url or ""),
        named(settings.picture_model, "OBELISK_PICTURE_MODEL"),
        dimensions=settings.picture_dimensions,
        text_prefix=settings.picture_text_prefix,
        text_floor=settings.picture_text_floor,
        picture_floor=settings.picture_floor,
    )
    stack.push_async_callback(embedder.close)
    return embedder


async def vertex_reranker(settings: ModelSettings, stack: AsyncExitStack) -> Reranker:
    """What ranks passages."""
    if settings.reranker_url is None:
        raise InvalidInput("OBELISK_RERANKER=model needs OBELISK_RERANKER_URL: where it is asked")
    model = named(settings.reranker_model, "OBELISK_RERANKER_MODEL")
    reranker = await open_reranker(VertexPlace.parse(settings.reranker_url), model)
    stack.push_async_callback(reranker.close)
    return reranker
