"""The pictures of strangers that are opened at all: of few formats, and of few enough pixels."""

from collections.abc import Sequence
from io import BytesIO
from typing import IO

from PIL import Image, UnidentifiedImageError

# Photographs and screenshots, and what Office files carry besides them.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 64_000_000
_any_format = Image.open


class TooManyPixels(UnidentifiedImageError):
    """A picture that would unpack to more than is looked at; `size` is its width and height."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(f"the picture has {size[0]:,} x {size[1]:,} pixels")
        self.size = size


def opened(content: bytes, formats: Sequence[str] = FORMATS) -> Image.Image:
    """The picture in a file, not unpacked yet.

    Raises:
        TooManyPixels
        UnidentifiedImageError: it is of another format, or damaged from the beginning.
        Exception: whatever decoders throw at a broken file.
    """
    return _few(BytesIO(content), formats)


def open_no_others() -> None:
    """From here on no library in this process opens a picture of another format, or a larger one.

    Such a one looks to it like a file that is no picture.
    """

    def guarded(
        fp: IO[bytes], mode: str = "r", formats: Sequence[str] | None = None
    ) -> Image.Image:
        return _few(fp, [name for name in FORMATS if formats is None or name in formats])

    setattr(Image, "open", guarded)  # noqa: B010 - a function is assigned over on purpose


def _few(source: IO[bytes], formats: Sequence[str]) -> Image.Image:
    # Our own limit is the lower one, and is told in our own words.
    Image.MAX_IMAGE_PIXELS = None
    image = _any_format(source, formats=tuple(formats))
    if image.width * image.height > MAX_PIXELS:
        raise TooManyPixels(image.size)
    return image
