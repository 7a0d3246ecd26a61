"""Pictures in the search: the model of their space, and what is sought in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from domain.errors import InvalidInput, Unavailable
from domain.identifiers import ChunkId
from domain.retrieval.fusion import RRF_K, Ranking, fuse, streams_of
from domain.retrieval.passage import FusedPassage
from domain.retrieval.vector import Vector

# Below 1: what pictures show is less sure than words, so the best of them comes fifth.
PICTURES_WEIGHT = 0.75
# So few answer a question in words, which many more may seem to: they must not crowd out the text.
MOST_ASKED = 3


class PictureUnreadable(InvalidInput):
    reason = "PICTURE_UNREADABLE"


class VisualEmbedderUnavailable(Unavailable):
    reason = "VISUAL_EMBEDDER_UNAVAILABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisualModel:
    """`name` is stored on every row: vectors of two models are never compared.

    Vectors have unit length, those of texts may have less, and are compared by their dot product.
    Under `text_floor` a text, and under `picture_floor` a picture, has nothing in common with what
    it is compared with; without floors, a space's few pictures would answer every question.
    """

    name: str
    dimensions: int
    text_floor: float
    picture_floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureVectors:
    """What the pictures of a document's passages show, to the model that looked at all of them."""

    model: VisualModel
    vectors: Mapping[ChunkId, Vector]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureQuery:
    """What is sought among pictures: nothing under the dot product `floor` is found."""

    vector: Vector
    floor: float


def fused_with_pictures(
    fused: Sequence[FusedPassage], rankings: Sequence[Ranking]
) -> list[FusedPassage]:
    """Passages that words found, in their order, and those that pictures found, fused by rank.

    Without anything found by pictures the passages are as they were, scores included.
    """
    if not any(ranking.passages for ranking in rankings):
        return list(fused)
    shares = {one.passage.chunk_id: 1 / (RRF_K + n) for n, one in enumerate(fused, start=1)}
    known = {one.passage.chunk_id: one for one in fused}
    for seen in fuse(rankings):
        chunk_id = seen.passage.chunk_id
        shares[chunk_id] = shares.get(chunk_id, 0.0) + seen.score
        hits = (*(known[chunk_id].hits if chunk_id in known else ()), *seen.hits)
        known[chunk_id] = replace(seen, hits=hits, streams=streams_of(hits))
    order = sorted(known, key=lambda chunk_id: (-shares[chunk_id], chunk_id))
    return [replace(known[chunk_id], score=shares[chunk_id]) for chunk_id in order]
