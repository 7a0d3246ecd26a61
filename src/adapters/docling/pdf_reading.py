"""A PDF's text and structure, read from its drawing without any model."""

import ctypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from adapters.docling import pdf_calls as calls
from adapters.docling.layout_pages import PageLayouts, ReadLayout, held_open, with_layouts
from adapters.docling.page_meter import TellPages, tell_nobody
from adapters.docling.pdf_document import InkedPage, PlacedPart, document_parts
from adapters.docling.pdf_geometry import Box
from adapters.docling.pdf_ink import InkReader
from adapters.docling.pdf_notes import notes_of, shows_fields
from adapters.docling.pdf_page import PageInk, Role
from adapters.docling.pdf_render import rendered, rendered_part
from adapters.docling.pdf_sizeless import with_sizes
from adapters.docling.pdf_space import PageSpace, shared
from adapters.docling.picture_formats import TooManyPixels
from adapters.docling.recognition import Patience, ink_of, recogniser
from adapters.docling.shrinking import LONGEST_SIDE, Shrinker, is_paper
from domain.documents.structure import (
    Block,
    BulletList,
    Heading,
    HiddenText,
    Paragraph,
    Picture,
    Table,
)

_TEXT_PICTURE_SHARE = 0.05


@dataclass(slots=True)
class ReadPdf:
    """What a PDF holds, and the numbers of its pages that are special.

    `scans` hold a picture and no text, and nothing could recognise it; `recognised` are scans that
    were recognised, `unrecognised` those for which there was no time; `broken` cannot be opened,
    `crowded` hold more than is looked at; `layouts` are pages that the layout models read, `unlaid`
    those that they were to read and did not. `left_out` tells which pictures were not looked at.
    """

    blocks: tuple[Block, ...] = ()
    page_count: int = 0
    hidden: list[HiddenText] = field(default_factory=list)
    scans: list[int] = field(default_factory=list)
    recognised: list[int] = field(default_factory=list)
    unrecognised: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    crowded: list[int] = field(default_factory=list)
    unlaid: list[int] = field(default_factory=list)
    layouts: dict[int, tuple[Block, ...]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    images: dict[tuple[int, Box], bytes] = field(default_factory=dict)


def read_pdf(
    content: bytes,
    tell: TellPages = tell_nobody,
    layout: ReadLayout | None = None,
    shrinker: Shrinker | None = None,
) -> ReadPdf:
    """Read all pages, with `layout` those that need it; `shrinker` is the file's own.

    Raises pypdfium2.PdfiumError when the file cannot be opened at all.
    """
    shrinker = shrinker or Shrinker()
    read, pages = _read(content, shrinker, tell, layout)
    if any(page.ink.sizeless for page in pages):
        resized, resized_pages = _read(with_sizes(content), shrinker.anew(), tell, layout)
        if len(resized_pages) == len(pages):
            read, pages = resized, resized_pages
    blocks = blocks_of_parts(document_parts(pages), read.images)
    read.blocks = with_layouts(blocks, read.layouts)
    return read


def _read(
    content: bytes, shrinker: Shrinker, tell: TellPages, layout: ReadLayout | None
) -> tuple[ReadPdf, list[InkedPage]]:
    document = pypdfium2.PdfDocument(content)
    layouts = PageLayouts(layout, content)
    try:
        read = ReadPdf(page_count=len(document), metadata=document.get_metadata_dict())
        read.layouts, read.unlaid = layouts.blocks, layouts.failed
        pages = list(_pages(document, read, shrinker, tell, layouts))
        read.left_out = shrinker.warnings
        return read, pages
    finally:
        document.close()


def _pages(
    document: pypdfium2.PdfDocument,
    read: ReadPdf,
    shrinker: Shrinker,
    tell: TellPages,
    layouts: PageLayouts,
) -> Iterator[InkedPage]:
    reader, patience = InkReader(), Patience()
    for index in range(len(document)):
        page = _opened(document.raw, index)
        if not page:
            read.broken.append(index + 1)
            continue
        try:
            inked = _page(page, index + 1, reader, read)
            size = _space(page).size
            if layouts.has_read(inked.number, inked.ink, size):
                yield replace(inked, ink=held_open(size))
            else:
                inked = _with_words(page, inked, size, read, patience)
                yield _shown(page, inked, read, shrinker)
        finally:
            pdfium.FPDF_ClosePage(page)
        tell(index + 1, read.page_count)


def _shown(page: object, inked: InkedPage, read: ReadPdf, shrinker: Shrinker) -> InkedPage:
    """The page; `read` gets the images of its pictures, but of writing that was recognised."""
    pictures = []
    for box in inked.ink.pictures:
        image = shrinker.of_drawing(partial(_drawn, page, box, inked.ink), inked.number)
        if inked.number in read.recognised and (not image or is_paper(image)):
            continue
        read.images[inked.number, box] = image
        pictures.append(box)
    return replace(inked, ink=replace(inked.ink, pictures=pictures))


def _drawn(page: object, box: Box, ink: PageInk) -> Image.Image:
    """Raises TooManyPixels: drawing that part of the page would unpack them."""
    for vast in ink.vast:
        if shared(vast.box, box):
            raise TooManyPixels(vast.size)
    return rendered_part(page, box, LONGEST_SIDE)


def _opened(document: object, index: int) -> object:
    """A page with its fields and stamps drawn on it; false when it cannot be opened."""
    page: object = pdfium.FPDF_LoadPage(document, index)
    if not page or not shows_fields(page):
        return page
    pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
    pdfium.FPDF_ClosePage(page)
    return pdfium.FPDF_LoadPage(document, index)


def _page(page: object, number: int, reader: InkReader, read: ReadPdf) -> InkedPage:
    read.hidden += notes_of(page, number)
    space = _space(page)
    text_page = pdfium.FPDFText_LoadPage(page)
    try:
        ink = reader.ink(calls.address_of(page), calls.address_of(text_page), space)
    finally:
        pdfium.FPDFText_ClosePage(text_page)
    read.hidden += [HiddenText(text=text, kind=kind, page=number) for kind, text in ink.hidden]
    if ink.is_cut:
        read.crowded.append(number)
    return InkedPage(number, space.size[1], ink)


def _with_words(
    page: object, inked: InkedPage, size: tuple[float, float], read: ReadPdf, patience: Patience
) -> InkedPage:
    if not _needs_recognition(inked.ink, size):
        return inked
    return replace(inked, ink=_recognised(page, inked.number, inked.ink, read, patience))


def _recognised(
    page: object, number: int, ink: PageInk, read: ReadPdf, patience: Patience
) -> PageInk:
    recognise = recogniser()
    if recognise is None:
        read.scans.append(number)
        return ink
    if patience.is_over:
        read.unrecognised.append(number)
        return ink
    read.recognised.append(number)
    image, scale = rendered(page)
    return replace(ink_of(recognise(image), 1 / scale), pictures=ink.pictures)


def _needs_recognition(ink: PageInk, size: tuple[float, float]) -> bool:
    """A page of nothing but pictures that can be drawn, one large enough to hold text."""
    if ink.words or ink.aside or ink.tables or ink.vast:
        return False
    width, height = size
    least = _TEXT_PICTURE_SHARE * width * height
    return any(box.width * box.height >= least for box in ink.pictures)


def _space(page: object) -> PageSpace:
    box = (ctypes.c_float * 4)()
    at = [ctypes.cast(ctypes.byref(box, 4 * i), ctypes.POINTER(ctypes.c_float)) for i in range(4)]
    turns = pdfium.FPDFPage_GetRotation(page)
    for get in (pdfium.FPDFPage_GetCropBox, pdfium.FPDFPage_GetMediaBox):
        if get(page, *at):
            left, bottom, right, top = box
            if right > left and top > bottom:
                return PageSpace(left, bottom, right, top, turns)
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    if turns % 2:
        width, height = height, width
    return PageSpace(0.0, 0.0, width, height, turns)


def blocks_of_parts(
    placed: list[PlacedPart], images: Mapping[tuple[int, Box], bytes]
) -> tuple[Block, ...]:
    """Parts as blocks; list items one after another become one list. `images` by page and place."""
    blocks: list[Block] = []
    items: list[str] = []
    page = 0
    for item in placed:
        if item.part.role is Role.LIST_ITEM:
            page = page if items else item.page
            items.append(item.part.text)
            continue
        if items:
            blocks.append(BulletList(items=tuple(items), page=page))
            items = []
        blocks.append(_block(item, images))
    if items:
        blocks.append(BulletList(items=tuple(items), page=page))
    return tuple(blocks)


def _block(item: PlacedPart, images: Mapping[tuple[int, Box], bytes]) -> Block:
    part = item.part
    match part.role:
        case Role.HEADING:
            return Heading(text=part.text, level=item.level, page=item.page)
        case Role.TABLE:
            return Table(header=part.rows[0], rows=part.rows[1:], page=item.page)
        case Role.PICTURE:
            image = images.get((item.page, part.box), b"")
            return Picture(page=item.page, image=image)
        case _:
            return Paragraph(text=part.text, page=item.page)
