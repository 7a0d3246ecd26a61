"""Pictures in the search: the model of their space, and what is sought in it."""

from dataclasses import dataclass

from domain.errors import InvalidInput
from domain.retrieval.vector import Vector

# A word in the text is better evidence than what a picture seems to show.
PICTURES_WEIGHT = 0.6


class PictureUnreadable(InvalidInput):
    reason = "PICTURE_UNREADABLE"


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
class PictureQuery:
    """What is sought among pictures: nothing under the dot product `floor` is found."""

    vector: Vector
    floor: float
