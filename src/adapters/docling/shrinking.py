"""Small copies of pictures, of our own making: nothing else decodes the originals."""

import time
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from typing import TypeAlias

from PIL import Image, ImageOps, UnidentifiedImageError

from adapters.docling.left_out import LeftOut, left_out_pictures
from adapters.docling.picture_formats import TooManyPixels, opened

LONGEST_SIDE = 512
# For all pictures of a document together.
_SECONDS = 10.0
_SHORTEST_SIDE = 40
_SLIMMEST = 8
_QUALITY = 82
_WHITE, _PAPER_SHARE = 225, 0.6
_ORIENTATION = 0x0112
# Modes in which neighbouring pixels can be made one.
_MIXABLE = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})

# Told which picture is looked at next: one that ends this process can then be named.
TellPicture: TypeAlias = Callable[[str], None]


def _tell_nobody(_place: str) -> None:
    """For pictures that need no name."""


class Shrinker:
    """The pictures of one document; one that comes back is made small once.

    `unit` is what its pages are called. Switched off, it leaves out every picture. Whatever a
    decoder throws at a broken picture costs that picture alone, and is told by `warnings`.
    """

    def __init__(
        self,
        seconds: float = _SECONDS,
        *,
        unit: str = "page",
        tell: TellPicture = _tell_nobody,
        is_on: bool = True,
    ) -> None:
        self._known: dict[bytes, bytes] = {}
        self._left = seconds
        self._unit = unit
        self._tell = tell
        self._is_on = is_on
        self._counts: Counter[int | None] = Counter()
        self._left_out: list[tuple[LeftOut, str]] = []

    def anew(self) -> "Shrinker":
        """One for the same document read once more, in what is left of its time."""
        return Shrinker(self._left, unit=self._unit, tell=self._tell, is_on=self._is_on)

    @property
    def is_spent(self) -> bool:
        """Whether the document has had its share of time; what comes now is left out."""
        return self._left <= 0

    @property
    def left_out(self) -> int:
        """How many pictures were left out so far, ornaments aside."""
        return len(self._left_out)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Which pictures were left out, and why."""
        return left_out_pictures(self._left_out)

    def of_file(self, content: bytes, page: int | None = None) -> bytes:
        """A JPEG of the picture in a file; empty when it is left out, or is an ornament."""
        key = sha256(content).digest()
        if key in self._known:
            self._counts[page] += 1
        else:
            self._known[key] = self.of_drawing(lambda: opened(content), page)
        return self._known[key]

    def of_image(self, image: Image.Image, page: int | None = None) -> bytes:
        """The same of a picture that is unpacked."""
        return self.of_drawing(lambda: image, page)

    def of_drawing(self, opened: Callable[[], Image.Image], page: int | None = None) -> bytes:
        """The same of a picture that has yet to be opened or drawn, which takes time as well."""
        place = self._place(page)
        if not self._is_on:
            return b""
        if self.is_spent:
            return self._leave_out(LeftOut.NO_TIME, place)
        self._tell(place)
        began = time.process_time()
        try:
            return _small(opened())
        except TooManyPixels as error:
            width, height = error.size
            return self._leave_out(LeftOut.TOO_LARGE, f"{place} ({width:,} x {height:,})")
        except UnidentifiedImageError:
            return self._leave_out(LeftOut.UNKNOWN, place)
        except Exception:  # noqa: BLE001 - decoders throw anything at all
            return self._leave_out(LeftOut.DAMAGED, place)
        finally:
            self._left -= time.process_time() - began

    def leave_out(self, why: LeftOut, page: int | None = None) -> bytes:
        """Count a picture that cannot even be opened; nothing of it is there."""
        return self._leave_out(why, self._place(page))

    def _place(self, page: int | None) -> str:
        self._counts[page] += 1
        number = f"picture {self._counts[page]}"
        return number if page is None else f"{number} on {self._unit} {page}"

    def _leave_out(self, why: LeftOut, place: str) -> bytes:
        self._left_out.append((why, place))
        return b""


def _small(image: Image.Image) -> bytes:
    width, height = image.size
    if min(width, height) < _SHORTEST_SIDE or max(width, height) > _SLIMMEST * min(width, height):
        return b""
    image.draft("RGB", (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))
    shown = on_white(_mixed(image))
    shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    if shown.getcolors(1) is not None:
        return b""
    out = BytesIO()
    shown.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _mixed(image: Image.Image) -> Image.Image:
    """At most four times as wide as needed, so that no further copy of a large one is made."""
    factor = max(image.size) // (2 * LONGEST_SIDE)
    if factor < 2:
        return image
    turned = image.getexif().get(_ORIENTATION)
    mixed = (image if image.mode in _MIXABLE else image.convert("RGBA")).reduce(factor)
    if turned is not None:
        mixed.getexif()[_ORIENTATION] = turned
    return mixed


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
