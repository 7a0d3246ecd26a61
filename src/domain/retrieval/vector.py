"""Embedding vectors and the model that made them: a vector means nothing without its model."""

from array import array
from dataclasses import dataclass
from math import hypot, isfinite
from typing import TYPE_CHECKING

from domain.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    Vector = array[float]
    """Single-precision floats (typecode 'f'), of unit length."""
else:
    Vector = array  # Python 3.11's array cannot be subscripted when the program runs


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingModel:
    """`name` is stored on every row; `max_tokens` is the longest text that is embedded whole."""

    name: str
    dimensions: int
    max_tokens: int


class TextTooLong(InvalidInput):
    reason = "TEXT_TOO_LONG"


class EmbedderUnavailable(Unavailable):
    reason = "EMBEDDER_UNAVAILABLE"


def sized(model: str, dimensions: int) -> str:
    """The stored name of a service's model, which may be asked for vectors of several sizes."""
    return f"{model}@{dimensions}"


def of_unit_length(values: Vector, dimensions: int) -> Vector:
    """A model's answer as it is stored.

    Raises:
        ValueError: not so many numbers, or no direction; says so in words for people.
    """
    if len(values) != dimensions:
        raise ValueError(f"it gives {len(values)} dimensions, not the {dimensions} that are set")
    length = hypot(*values)
    if not (isfinite(length) and length > 0):
        raise ValueError("it gives a vector without a direction")
    return array("f", (value / length for value in values))
