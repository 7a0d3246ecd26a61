"""A picture as a document of its own: its size, and its text where recognition is installed."""

import re
from io import BytesIO
from pathlib import PurePosixPath

from PIL import Image, UnidentifiedImageError

from adapters.docling.metadata import speaking
from adapters.docling.pdf_document import InkedPage, document_parts
from adapters.docling.pdf_reading import blocks_of_parts
from adapters.docling.recognition import EXTRA_HINT, ink_of, recogniser, reduced
from adapters.docling.refusal import Refused
from adapters.docling.shrinking import MAX_PIXELS, Shrinker, on_white
from domain.documents.media import MediaType
from domain.documents.structure import Block, DocumentStructure, Picture

_FORMATS = {MediaType.PNG: "PNG", MediaType.JPEG: "JPEG", MediaType.WEBP: "WEBP"}
_POINTS_A_PIXEL = 0.75
_DESCRIPTION, _USER_COMMENT, _XP_COMMENT = 0x010E, 0x9286, 0x9C9C


def read_image(filename: str, media_type: MediaType, content: bytes) -> DocumentStructure:
    """A picture is named by its file's name, which is all that is known of it without recognition.

    Raises Refused: another kind of file, damaged, or of too many pixels.
    """
    image = _opened(content, _FORMATS[media_type])
    name = PurePosixPath(filename).stem or filename
    small = Shrinker().of_image(image)
    picture = Picture(caption=_words_of(name), page=1, size=image.size, image=small)
    hidden = speaking(_said(image))
    recognise = recogniser()
    blocks: tuple[Block, ...] = ()
    warnings: tuple[str, ...] = ()
    if recognise is None:
        warnings = (f"text in the picture was not read; {EXTRA_HINT}",)
    else:
        ink = ink_of(recognise(reduced(on_white(image))), _POINTS_A_PIXEL)
        blocks = blocks_of_parts(document_parts([InkedPage(1, image.height * 0.75, ink)]), {})
    return DocumentStructure(
        title=name, blocks=(picture, *blocks), warnings=warnings, hidden=tuple(hidden)
    )


def shown_picture(content: bytes) -> Picture:
    """What a picture of any of our formats shows. Raises Refused."""
    image = _opened(content, *_FORMATS.values())
    small = Shrinker().of_image(image)
    if not small:
        raise Refused("the picture is too small, too narrow or of one colour; show a larger part")
    return Picture(size=image.size, image=small)


def _opened(content: bytes, *formats: str) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # Our own limit is told before anything is unpacked.
    try:
        image = Image.open(BytesIO(content), formats=formats)
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise Refused(
                f"the picture has {width:,} x {height:,} pixels; at most "
                f"{MAX_PIXELS // 1_000_000} million can be read: make it smaller"
            )
        image.load()
    except UnidentifiedImageError as error:
        raise Refused(f"the file is no {' or '.join(formats)} picture, or is damaged") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise Refused("the picture is damaged or was cut off; save it again") from error
    return image


def _said(image: Image.Image) -> list[str]:
    """Texts that the file carries beside its pixels."""
    exif = image.getexif()
    tags = [exif.get(_DESCRIPTION), exif.get(_XP_COMMENT)]
    tags.append(exif.get_ifd(0x8769).get(_USER_COMMENT))
    values = [*image.info.values(), *tags]
    return [text for value in values if (text := _text(value).strip())]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes) and len(value) < 100_000:
        if value.startswith((b"ASCII\x00\x00\x00", b"UNICODE\x00")):
            value = value[8:]
        text = value.decode("utf-8", "ignore").replace("\x00", "")
        plain = re.sub(r"<[^<>]*>", " ", text)
        return " ".join(plain.split()) if plain.isprintable() or "<" in text else ""
    return ""


def _words_of(name: str) -> str:
    return " ".join(re.split(r"[\s_\-.]+", name)).strip()
