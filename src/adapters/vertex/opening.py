"""The models of Vertex AI, each on a channel of its own.

Google's packages take a second to import, so each is imported when its model is opened. All raise
InvalidInput where there are no credentials.
"""

from typing import TYPE_CHECKING

from adapters.vertex.place import VertexPlace

if TYPE_CHECKING:
    from adapters.vertex.chat import VertexChatModel
    from adapters.vertex.embeddings import VertexEmbedder
    from adapters.vertex.pictures import VertexVisualEmbedder
    from adapters.vertex.ranking import VertexReranker

_MODELS, _RANKING = "aiplatform", "discoveryengine"


async def open_chat_model(
    place: VertexPlace, model: str, *, context_tokens: int
) -> "VertexChatModel":
    """What writes."""
    from adapters.vertex.channel import open_channel
    from adapters.vertex.chat import VertexChatModel

    channel = await open_channel(place, _MODELS)
    return VertexChatModel(channel, place, model, context_tokens=context_tokens)


async def open_embedder(place: VertexPlace, model: str, *, dimensions: int) -> "VertexEmbedder":
    """Vectors of texts."""
    from adapters.vertex.channel import open_channel
    from adapters.vertex.embeddings import VertexEmbedder

    channel = await open_channel(place, _MODELS)
    return VertexEmbedder(channel, place, model, dimensions=dimensions)


async def open_visual_embedder(
    place: VertexPlace,
    model: str,
    *,
    dimensions: int,
    text_prefix: str,
    text_floor: float,
    picture_floor: float,
) -> "VertexVisualEmbedder":
    """Vectors of pictures, and of what is asked of them."""
    from adapters.vertex.channel import open_channel
    from adapters.vertex.pictures import VertexVisualEmbedder

    return VertexVisualEmbedder(
        await open_channel(place, _MODELS),
        place,
        model,
        dimensions=dimensions,
        text_prefix=text_prefix,
        text_floor=text_floor,
        picture_floor=picture_floor,
    )


async def open_reranker(place: VertexPlace, model: str) -> "VertexReranker":
    """Scores of passages."""
    from adapters.vertex.channel import open_channel
    from adapters.vertex.ranking import VertexReranker

    return VertexReranker(await open_channel(place, _RANKING), place, model)
