"""A picture embedder without a model: pictures are their colours, and texts may name some."""

import re
from array import array
from collections.abc import Iterable, Sequence
from io import BytesIO
from math import sqrt

from PIL import Image

from domain.retrieval.pictures import PictureQuery, PictureUnreadable, VisualModel
from domain.retrieval.vector import Vector

_COLOURS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255),
}
_SIDE = 16
_WORD = re.compile(r"\w+")


class ColourEmbedder:
    """Each named colour is an axis: a picture points along those that its pixels are nearest to."""

    def __init__(self, name: str = "colours") -> None:
        self._model = VisualModel(
            name=name, dimensions=len(_COLOURS), text_floor=0.3, picture_floor=0.3
        )

    @property
    def model(self) -> VisualModel:
        return self._model

    async def embed_pictures(self, pictures: Sequence[bytes]) -> list[Vector]:
        return [_vector(_colours_of(picture)) for picture in pictures]

    async def embed_query(self, text: str) -> PictureQuery:
        named = [word for word in _WORD.findall(text.lower()) if word in _COLOURS]
        return PictureQuery(vector=_vector(named), floor=self._model.text_floor)

    async def embed_picture_query(self, picture: bytes) -> PictureQuery:
        vector = _vector(_colours_of(picture))
        return PictureQuery(vector=vector, floor=self._model.picture_floor)


def _colours_of(picture: bytes) -> list[str]:
    try:
        with Image.open(BytesIO(picture), formats=("JPEG", "PNG")) as opened:
            pixels = opened.convert("RGB").resize((_SIDE, _SIDE)).tobytes()
    except (OSError, ValueError, SyntaxError) as error:
        raise PictureUnreadable("the picture cannot be read", field="image") from error
    return [_nearest(pixels[at : at + 3]) for at in range(0, len(pixels), 3)]


def _nearest(pixel: bytes) -> str:
    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(pixel, _COLOURS[name], strict=True))

    return min(_COLOURS, key=distance)


def _vector(colours: Iterable[str]) -> Vector:
    named = list(colours)
    counts = [named.count(colour) for colour in _COLOURS]
    length = sqrt(sum(count * count for count in counts)) or 1.0
    return array("f", (count / length for count in counts))
