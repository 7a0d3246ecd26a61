"""The search among pictures, wired."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from adapters.local.embeddings import MiniLmEmbedder
from adapters.local.pictures import EfficientNetEmbedder
from adapters.local.weights import packaged_embedding_model, packaged_picture_model
from adapters.postgres.picture_index import PostgresPictureIndex
from adapters.postgres.pool import Pool
from application.ports.embedder import Embedder
from application.ports.picture_reader import PictureReader
from application.ports.visual_embedder import VisualEmbedder
from application.retrieval.pictures import PictureSearch
from entrypoints.model_settings import ModelSettings
from entrypoints.vertex import vertex_pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureParts:
    """What looks at our pictures, and what makes ours of those of strangers."""

    embedder: VisualEmbedder
    reader: PictureReader


async def open_picture_parts(
    settings: ModelSettings, embedder: Embedder, reader: PictureReader, stack: AsyncExitStack
) -> PictureParts:
    """Local pictures need the small text model beside them: `embedder`, or one more.

    Raises:
        InvalidInput: a model of Vertex AI without a name or credentials.
    """
    if settings.picture_url is not None:
        return PictureParts(embedder=await vertex_pictures(settings, stack), reader=reader)
    texts = embedder
    if not isinstance(texts, MiniLmEmbedder):
        texts = MiniLmEmbedder(packaged_embedding_model())
        stack.push_async_callback(texts.close)
    # Loads nothing before the first picture.
    visual = EfficientNetEmbedder(packaged_picture_model(), texts)
    stack.push_async_callback(visual.close)
    return PictureParts(embedder=visual, reader=reader)


def build_picture_search(parts: PictureParts, pool: Pool) -> PictureSearch:
    """The use case."""
    index = PostgresPictureIndex(pool)
    return PictureSearch(index=index, embedder=parts.embedder, reader=parts.reader)
