"""Alternative texts of pictures in Office files, which docling leaves behind."""

from collections.abc import Iterator
from io import BytesIO

import docx
import pptx
from docx.oxml.ns import qn
from pptx.shapes.base import BaseShape
from pptx.shapes.group import GroupShape
from pptx.shapes.picture import Picture as SlidePicture

from domain.documents.structure import Picture


def slide_pictures(content: bytes) -> tuple[Picture, ...]:
    """Pictures that have an alternative text, slide by slide."""
    presentation = pptx.Presentation(BytesIO(content))
    return tuple(
        Picture(caption=text, page=number)
        for number, slide in enumerate(presentation.slides, start=1)
        for shape in _shapes(list(slide.shapes))
        if (text := _described(shape))
    )


def document_pictures(content: bytes) -> tuple[str, ...]:
    """Alternative texts of a Word document's pictures in order, empty where there is none."""
    body = docx.Document(BytesIO(content)).element.body
    return tuple(
        " ".join((properties.get("descr") or "").split())
        for drawing in body.iter(qn("w:drawing"))
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


def _described(shape: BaseShape) -> str:
    if not isinstance(shape, SlidePicture):
        return ""
    text = " ".join((shape._element._nvXxPr.cNvPr.get("descr") or "").split())
    # Office fills in the file's name when nobody wrote a text.
    is_filename = "." in text and " " not in text
    return "" if is_filename else text
