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
    vectors = {}
    for chunk_id, of_passage in pictures.items():
        if seen := await _vectors(visual, of_passage):
            vectors[chunk_id] = mean_of(seen)
    return PictureVectors(model=visual.model, vectors=vectors)


async def _vectors(visual: VisualEmbedder, pictures: Sequence[bytes]) -> list[Vector]:
    try:
        return await visual.embed_pictures(pictures)
    except InvalidInput as error:
        _log.warning("a picture is left out: %s", error.message)
        if len(pictures) < 2:
            return []
    return [vector for picture in pictures for vector in await _vectors(visual, [picture])]
