"""Pictures are put aside before docling reads a file: it gets a small stand-in for each of them.

docling opens every picture, and packs it anew; what strangers sent is opened by the `Shrinker`
alone, which names the ones that it leaves out, and once.
"""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import TypeAlias

from PIL import Image

from adapters.docling.left_out import LeftOut
from adapters.docling.shrinking import Shrinker

# A few pixels: what is smaller still is taken for a spacer.
_SIDE = 6
_RASTER = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_SUFFIXES = frozenset((*_RASTER, ".dib", ".emf", ".wmf", ".svg", ".wdp", ".ico"))
_OF_XML = (".xml", ".rels", ".vml")


Reading: TypeAlias = Callable[[], bytes | None]


@dataclass(frozen=True, slots=True)
class PutAside:
    """The pictures of a file by number; each is read when asked, None where it is broken, and empty
    where it is none that could be shown. `more` of them have no stand-in."""

    pictures: Sequence[Reading] = ()
    more: int = 0

    @property
    def warnings(self) -> tuple[str, ...]:
        if not self.more:
            return ()
        return (f"the last {self.more:,} of {len(self.pictures):,} pictures were left out",)

    def shown(self, stand_in: Image.Image, page: int | None, shrinker: Shrinker) -> bytes:
        """A small copy of the picture that a stand-in stands for; empty for none."""
        number = _number_of(stand_in)
        if number is None or number >= len(self.pictures):
            return b""
        picture = self.pictures[number]()
        if picture is None:
            return shrinker.leave_out(LeftOut.DAMAGED, page)
        return shrinker.of_file(picture, page) if picture else b""


def stand_in(number: int) -> Image.Image:
    """Tells its number, which is under 2^24 - 1, by its colour."""
    return Image.new("RGB", (_SIDE, _SIDE), (number >> 16, number >> 8 & 255, number & 255))


def _number_of(image: Image.Image) -> int | None:
    if image.size != (_SIDE, _SIDE):
        return None
    red, green, blue = image.convert("RGB").tobytes()[:3]
    return red << 16 | green << 8 | blue


def with_stand_ins(content: bytes) -> tuple[bytes, PutAside]:
    """An Office file with stand-ins for its pictures."""
    archive = zipfile.ZipFile(BytesIO(content))
    names = list(dict.fromkeys(archive.namelist()))
    aside = [name for name in names if _is_picture(name)]
    if not aside:
        return content, PutAside()
    numbers = {name: number for number, name in enumerate(aside)}
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for name in names:
            number = numbers.get(name)
            packed.writestr(name, archive.read(name) if number is None else _encoded(number))
    return out.getvalue(), PutAside([_reading(archive, name) for name in aside])


def _is_picture(name: str) -> bool:
    if name.endswith((*_OF_XML, "/")):
        return False
    return "/media/" in name or PurePosixPath(name).suffix.lower() in _SUFFIXES


def _reading(archive: zipfile.ZipFile, name: str) -> Reading:
    return lambda: archive.read(name) or None


def _encoded(number: int) -> bytes:
    out = BytesIO()
    stand_in(number).save(out, "PNG")
    return out.getvalue()
