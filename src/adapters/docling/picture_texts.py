"""Pictures in Office files with their alternative texts, which docling leaves behind."""

from collections.abc import Iterator

from docx.oxml.ns import qn
from lxml import etree
from pptx.presentation import Presentation
from pptx.shapes.base import BaseShape
from pptx.shapes.group import GroupShape
from pptx.shapes.picture import Picture as SlidePicture

from adapters.docling.left_out import LeftOut
from adapters.docling.shrinking import Shrinker
from domain.documents.structure import Picture


def slide_pictures(presentation: Presentation, shrinker: Shrinker) -> tuple[Picture, ...]:
    """Pictures slide by slide, but for ornaments without an alternative text."""
    return tuple(
        picture
        for number, slide in enumerate(presentation.slides, start=1)
        for shape in _shapes(list(slide.shapes))
        if isinstance(shape, SlidePicture)
        if (picture := _picture(shape, number, shrinker)) is not None
    )


def _picture(shape: SlidePicture, number: int, shrinker: Shrinker) -> Picture | None:
    left_out = shrinker.left_out
    picture = Picture(caption=_described(shape), page=number, image=_image(shape, number, shrinker))
    is_kept = picture.caption or picture.image or shrinker.left_out > left_out
    return picture if is_kept else None


def document_pictures(document: etree._Element) -> tuple[str, ...]:
    """Alternative texts of a Word document's pictures in order, empty where there is none."""
    return tuple(
        " ".join((properties.get("descr") or "").split())
        for drawing in document.iter(qn("w:drawing"))
        for properties in drawing.iter(qn("wp:docPr"))
        if any(True for _ in drawing.iter(qn("a:blip")))
    )


def _shapes(shapes: list[BaseShape]) -> Iterator[BaseShape]:
    stack = list(reversed(shapes))
    while stack:
        shape = stack.pop()
        yield shape
        if isinstance(shape, GroupShape):
            stack += reversed(list(shape.shapes))


def _image(shape: SlidePicture, number: int, shrinker: Shrinker) -> bytes:
    try:
        return shrinker.of_file(shape.image.blob, number)
    except (KeyError, ValueError):
        # It points to a file elsewhere, or to nothing.
        return b""
    except AttributeError:
        # It points to a part that is no picture.
        return shrinker.leave_out(LeftOut.UNKNOWN, number)


def _described(shape: SlidePicture) -> str:
    text = " ".join((shape._element._nvXxPr.cNvPr.get("descr") or "").split())
    # Office fills in the file's name when nobody wrote a text.
    is_filename = "." in text and " " not in text
    return "" if is_filename else text
