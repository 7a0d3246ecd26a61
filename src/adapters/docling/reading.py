"""Reads one file of any kind; runs in the child only."""

from pathlib import PurePosixPath

from adapters.docling.csv_table import read_csv
from adapters.docling.image_reading import read_image
from adapters.docling.layout_pages import ReadLayout
from adapters.docling.metadata import speaking
from adapters.docling.office_reading import OfficeReader
from adapters.docling.page_meter import TellPages, tell_nobody
from adapters.docling.pdf_reading import ReadPdf, read_pdf
from adapters.docling.plain_text import read_text
from adapters.docling.recognition import EXTRA_HINT
from adapters.docling.refusal import Refused
from adapters.docling.screen_pdf import screen_pdf
from adapters.docling.screen_text import readable_text
from adapters.docling.seen_blocks import seen
from adapters.docling.shrinking import Shrinker, TellPicture, is_paper
from adapters.docling.warnings import (
    crowded_pages,
    missing_pages,
    scanned_pages,
    unlaid_pages,
    unrecognised_pages,
)
from domain.documents.media import MediaType
from domain.documents.pictures import with_pictures_chosen, with_pictures_named
from domain.documents.structure import Block, DocumentStructure, Heading, Picture


class DoclingReader:
    """Reads files one after another with one warm docling converter.

    With `layout`, pages of PDF files that need it are read by layout models.
    """

    def __init__(self, layout: ReadLayout | None = None) -> None:
        self._office = OfficeReader()
        self._layout = layout

    def read(
        self,
        filename: str,
        media_type: MediaType,
        content: bytes,
        tell: TellPages = tell_nobody,
        shrinker: Shrinker | None = None,
    ) -> DocumentStructure:
        """`shrinker` is the file's own. Raises Refused."""
        shrinker = shrinker or shrinker_of(media_type)
        read = self._read(filename, media_type, content, tell, shrinker)
        return with_pictures_named(seen(with_pictures_chosen(read)), _page_name(media_type))

    def _read(
        self,
        filename: str,
        media_type: MediaType,
        content: bytes,
        tell: TellPages,
        shrinker: Shrinker,
    ) -> DocumentStructure:
        match media_type:
            case MediaType.CSV:
                return read_csv(filename, readable_text(content))
            case MediaType.TEXT:
                return read_text(filename, readable_text(content))
            case MediaType.PDF:
                screen_pdf(content)
                return _pdf(filename, read_pdf(content, tell, self._layout, shrinker))
            case MediaType.PNG | MediaType.JPEG | MediaType.WEBP:
                return read_image(filename, media_type, content, shrinker)
            case _:
                return self._office.read(filename, media_type, content, shrinker)


def shrinker_of(
    media_type: MediaType, *, tell: TellPicture | None = None, with_pictures: bool = True
) -> Shrinker:
    """For the pictures of one file; `tell` is told of each before it is opened."""
    unit = _page_name(media_type)
    return Shrinker(unit=unit, tell=tell or (lambda _place: None), is_on=with_pictures)


def _page_name(media_type: MediaType) -> str:
    return _PAGE_NAMES.get(media_type, "page")


def _pdf(filename: str, read: ReadPdf) -> DocumentStructure:
    hidden = (*read.hidden, *speaking(read.metadata.values()))
    if not any(_is_told(block) for block in read.blocks) and not hidden:
        raise Refused("; ".join((_why_empty(read), *read.left_out)))
    heading = next((b for b in read.blocks if isinstance(b, Heading) and b.level == 1), None)
    return DocumentStructure(
        title=heading.text if heading else PurePosixPath(filename).stem or filename,
        blocks=read.blocks,
        page_count=read.page_count,
        warnings=(
            *missing_pages(read.broken),
            *crowded_pages(read.crowded),
            *scanned_pages(read.scans),
            *unrecognised_pages(read.unrecognised),
            *unlaid_pages(read.unlaid),
            *read.left_out,
        ),
        hidden=hidden,
    )


def _is_told(block: Block) -> bool:
    """Whether anything of a block can be found: words, or a picture that is none of writing."""
    if not isinstance(block, Picture):
        return True
    return bool(block.image) and not is_paper(block.image)


def _why_empty(read: ReadPdf) -> str:
    if read.broken and not read.scans:
        return "the file is damaged; open it, save it again and send it once more"
    if read.scans:
        return f"the PDF holds no text, only pictures of it (a scan); {EXTRA_HINT}, {_BY_HAND}"
    if read.recognised:
        return "text recognition (OCR) found no text in the pictures of which the PDF consists"
    return "the PDF holds no text that could be read"


_PAGE_NAMES = {MediaType.PPTX: "slide", MediaType.XLSX: "sheet"}
_BY_HAND = "or run text recognition (OCR) on it and send the result"
