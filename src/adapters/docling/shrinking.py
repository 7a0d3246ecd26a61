"""Small copies of pictures, of our own making: nothing else decodes the originals."""

import time
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageOps

LONGEST_SIDE = 512
MAX_PIXELS = 64_000_000
# For all pictures of a document together.
_SECONDS = 10.0
_SHORTEST_SIDE = 40
_SLIMMEST = 8
_QUALITY = 82
_WHITE, _PAPER_SHARE = 225, 0.6


class Shrinker:
    """The pictures of one document; one that comes back is made small once."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._known: dict[bytes, bytes] = {}
        self._left = seconds

    @property
    def is_spent(self) -> bool:
        """Whether the document has had its share of time; what comes now is left out."""
        return self._left <= 0

    def of_file(self, content: bytes) -> bytes:
        """A JPEG of the picture in a file; empty when it cannot be read, or is an ornament."""
        key = sha256(content).digest()
        if key not in self._known:
            self._known[key] = self.of_drawing(lambda: Image.open(BytesIO(content)))
        return self._known[key]

    def of_image(self, image: Image.Image) -> bytes:
        """The same of a picture that is unpacked."""
        return self.of_drawing(lambda: image)

    def of_drawing(self, opened: Callable[[], Image.Image]) -> bytes:
        """The same of a picture that has yet to be opened or drawn, which takes time as well.

        Whatever a decoder throws at a broken picture costs that picture alone.
        """
        if self.is_spent:
            return b""
        began = time.process_time()
        try:
            return _small(opened())
        except Exception:  # noqa: BLE001 - decoders throw anything at all
            return b""
        finally:
            self._left -= time.process_time() - began


def _small(image: Image.Image) -> bytes:
    width, height = image.size
    if width * height > MAX_PIXELS or min(width, height) < _SHORTEST_SIDE:
        return b""
    if max(width, height) > _SLIMMEST * min(width, height):
        return b""
    image.draft("RGB", (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))
    shown = on_white(image)
    shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    if shown.getcolors(1) is not None:
        return b""
    out = BytesIO()
    shown.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def is_paper(picture: bytes) -> bool:
    """Whether a picture of ours is mostly white: a page with writing, and no photograph."""
    with Image.open(BytesIO(picture), formats=("JPEG",)) as opened:
        lightness = opened.convert("L").histogram()
    return sum(lightness[_WHITE:]) > _PAPER_SHARE * sum(lightness)


def on_white(image: Image.Image) -> Image.Image:
    """As people see it: turned as the camera was, on white where it is transparent."""
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    paper = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(paper, upright).convert("RGB")
