"""A picture as a document of its own: its size, and its text where recognition is installed."""

import re
from pathlib import PurePosixPath

from PIL import Image

from adapters.docling.metadata import speaking
from adapters.docling.pdf_document import InkedPage, document_parts
from adapters.docling.pdf_reading import blocks_of_parts
from adapters.docling.query_picture import UPLOADED, unpacked
from adapters.docling.recognition import EXTRA_HINT, ink_of, recogniser, reduced
from adapters.docling.shrinking import Shrinker, on_white
from domain.documents.media import MediaType
from domain.documents.structure import Block, DocumentStructure, Picture

_POINTS_A_PIXEL = 0.75
_DESCRIPTION, _USER_COMMENT, _XP_COMMENT = 0x010E, 0x9286, 0x9C9C


def read_image(
    filename: str, media_type: MediaType, content: bytes, shrinker: Shrinker
) -> DocumentStructure:
    """A picture is named by its file's name, which is all that is known of it without recognition.

    Raises Refused: another kind of file, damaged, or of too many pixels.
    """
    image = unpacked(content, UPLOADED[media_type])
    name = PurePosixPath(filename).stem or filename
    small = shrinker.of_image(image)
    picture = Picture(caption=_words_of(name), page=1, size=image.size, image=small)
    hidden = speaking(_said(image))
    recognise = recogniser()
    blocks: tuple[Block, ...] = ()
    warnings = shrinker.warnings
    if recognise is None:
        warnings = (f"text in the picture was not read; {EXTRA_HINT}", *warnings)
    else:
        ink = ink_of(recognise(reduced(on_white(image))), _POINTS_A_PIXEL)
        blocks = blocks_of_parts(document_parts([InkedPage(1, image.height * 0.75, ink)]), {})
    return DocumentStructure(
        title=name, blocks=(picture, *blocks), warnings=warnings, hidden=tuple(hidden)
    )


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
