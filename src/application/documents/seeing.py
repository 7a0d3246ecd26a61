"""What the pictures of passages show, to one visual model."""

import logging
from collections.abc import Mapping, Sequence

from application.embeddings.whole import mean_of
from application.ports.visual_embedder import VisualEmbedder
from domain.errors import InvalidInput
from domain.identifiers import ChunkId
from domain.retrieval.pictures import PictureVectors
from domain.retrieval.vector import Vector

_log = logging.getLogger(__name__)


async def seen_by(
    visual: VisualEmbedder, pictures: Mapping[ChunkId, Sequence[bytes]]
) -> PictureVectors:
    """One vector for each passage: the mean of its pictures'. A picture that the model cannot read
    is left out.

    Raises Unavailable.
    """
    every = [picture for some in pictures.values() for picture in some]
    seen = iter(await _seen(visual, every) if every else ())
    vectors = {}
    for chunk_id, some in pictures.items():
        if readable := [vector for _ in some if (vector := next(seen)) is not None]:
            vectors[chunk_id] = mean_of(readable)
    return PictureVectors(model=visual.model, vectors=vectors)


async def _seen(visual: VisualEmbedder, pictures: Sequence[bytes]) -> list[Vector | None]:
    """In their order, as many at once as the model takes; None for one that it cannot read."""
    try:
        return [*await visual.embed_pictures(pictures)]
    except InvalidInput as error:
        if len(pictures) == 1:
            _log.warning("a picture is left out: %s", error.message)
            return [None]
    half = len(pictures) // 2
    return [*await _seen(visual, pictures[:half]), *await _seen(visual, pictures[half:])]
