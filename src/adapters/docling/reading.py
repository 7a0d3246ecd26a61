"""Reads one file with docling; runs in the child only."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import PurePosixPath

import docling.document_converter as converters
from docling.datamodel.backend_options import HTMLBackendOptions, MsExcelBackendOptions
from docling.datamodel.base_models import ConversionStatus, DocumentStream, InputFormat
from docling.datamodel.document import ConversionResult
from docling_core.types.doc.items.text import TitleItem

from adapters.docling.csv_table import read_csv
from adapters.docling.main_content import main_content
from adapters.docling.mapping import blocks_of
from adapters.docling.metadata import speaking
from adapters.docling.pdf_reading import read_pdf
from adapters.docling.picture_texts import document_pictures, slide_pictures
from adapters.docling.refusal import Refused
from adapters.docling.screen_archive import screen_archive, screen_workbook
from adapters.docling.screen_pdf import screen_pdf
from adapters.docling.screen_text import clean_html, readable_text
from domain.documents.media import MediaType
from domain.documents.structure import Block, DocumentStructure, Heading, Picture
from domain.documents.web_page import is_web_page

_FORMATS = {
    MediaType.MARKDOWN: (InputFormat.MD, "md"),
    MediaType.HTML: (InputFormat.HTML, "html"),
    MediaType.DOCX: (InputFormat.DOCX, "docx"),
    MediaType.PPTX: (InputFormat.PPTX, "pptx"),
    MediaType.XLSX: (InputFormat.XLSX, "xlsx"),
}


class DoclingReader:
    """Converts files one after another with one warm docling converter."""

    def __init__(self) -> None:
        self._converter = _converter()

    def read(self, filename: str, media_type: MediaType, content: bytes) -> DocumentStructure:
        """Raises Refused."""
        if media_type is MediaType.CSV:
            return read_csv(filename, readable_text(content))
        if media_type is MediaType.PDF:
            return _pdf(filename, content)
        content, title = _screened(media_type, content)
        if media_type is MediaType.HTML and is_web_page(filename):
            content = main_content(content)
        result = self._convert(media_type, content)
        blocks = _with_pictures(media_type, content, blocks_of(result.document))
        if not any(block != Picture() for block in _words_only(blocks)):
            raise Refused(_DAMAGED if result.errors else _EMPTY)
        return DocumentStructure(
            title=title or _title(result, blocks) or PurePosixPath(filename).stem or filename,
            blocks=blocks,
            page_count=max(1, len(result.document.pages)),
            warnings=_warnings(result),
        )

    def _convert(self, media_type: MediaType, content: bytes) -> ConversionResult:
        _, suffix = _FORMATS[media_type]
        source = DocumentStream(name=f"document.{suffix}", stream=BytesIO(content))
        result = self._converter.convert(source, raises_on_error=False)
        if result.status not in (ConversionStatus.SUCCESS, ConversionStatus.PARTIAL_SUCCESS):
            raise Refused(_why_failed(result))
        return result


def _pdf(filename: str, content: bytes) -> DocumentStructure:
    screen_pdf(content)
    read = read_pdf(content)
    if not _words_only(read.blocks):
        raise Refused(_EMPTY_PDF if read.scans or not read.broken else _DAMAGED)
    heading = next((b for b in read.blocks if isinstance(b, Heading) and b.level == 1), None)
    return DocumentStructure(
        title=heading.text if heading else PurePosixPath(filename).stem or filename,
        blocks=read.blocks,
        page_count=read.page_count,
        warnings=_missing(read.broken),
        hidden=(*read.hidden, *speaking(read.metadata.values())),
    )


def _converter() -> converters.DocumentConverter:
    html = HTMLBackendOptions.model_validate({"add_title": False, "infer_furniture": False})
    return converters.DocumentConverter(
        allowed_formats=[docling_format for docling_format, _ in _FORMATS.values()],
        format_options={
            InputFormat.HTML: converters.HTMLFormatOption(backend_options=html),
            InputFormat.XLSX: converters.ExcelFormatOption(
                backend_options=MsExcelBackendOptions.model_validate(
                    {"treat_singleton_as_text": True}
                )
            ),
        },
    )


def _screened(media_type: MediaType, content: bytes) -> tuple[bytes, str]:
    """Refuse what is hostile; return what docling is to read, and a title if one is known."""
    screen: dict[MediaType, Callable[[bytes], tuple[bytes, str]]] = {
        MediaType.MARKDOWN: lambda data: (readable_text(data).encode(), ""),
        MediaType.HTML: clean_html,
    }
    if media_type in screen:
        return screen[media_type](content)
    screen_archive(media_type, content)
    if media_type is MediaType.XLSX:
        screen_workbook(content)
    return content, ""


def _with_pictures(
    media_type: MediaType, content: bytes, blocks: tuple[Block, ...]
) -> tuple[Block, ...]:
    if media_type is MediaType.PPTX:
        return _slide_pictures_added(blocks, slide_pictures(content))
    if media_type is MediaType.DOCX:
        texts = document_pictures(content)
        places = [i for i, block in enumerate(blocks) if isinstance(block, Picture)]
        if len(texts) == len(places):
            captions = dict(zip(places, texts, strict=True))
            return tuple(
                replace(b, caption=b.caption or captions[i]) if isinstance(b, Picture) else b
                for i, b in enumerate(blocks)
            )
    return blocks


def _slide_pictures_added(
    blocks: tuple[Block, ...], pictures: tuple[Picture, ...]
) -> tuple[Block, ...]:
    """Put each described picture at the end of its slide."""
    kept = [b for b in blocks if not isinstance(b, Picture) or b.caption]
    for picture in pictures:
        place = max((i for i, b in enumerate(kept) if b.page == picture.page), default=-1)
        kept.insert(place + 1 if place >= 0 else len(kept), picture)
    return tuple(kept)


def _why_failed(result: ConversionResult) -> str:
    if any("recursion" in error.error_message.lower() for error in result.errors):
        return "the file nests its parts too deeply to be read safely"
    return _DAMAGED


def _words_only(blocks: tuple[Block, ...]) -> list[Block]:
    return [block for block in blocks if not isinstance(block, Picture) or block.caption]


def _title(result: ConversionResult, blocks: tuple[Block, ...]) -> str:
    titled = next((item for item in result.document.texts if isinstance(item, TitleItem)), None)
    if titled is not None and titled.text.strip():
        return " ".join(titled.text.split())
    is_sheet = result.input.format is InputFormat.XLSX
    first = next((b for b in blocks if isinstance(b, Heading) and b.level == 1), None)
    return "" if is_sheet or first is None else first.text


def _warnings(result: ConversionResult) -> tuple[str, ...]:
    return _missing(sorted({error.page_no for error in result.errors if error.page_no}))


def _missing(pages: list[int]) -> tuple[str, ...]:
    if not pages:
        return ()
    named = ", ".join(str(page) for page in pages[:20])
    return (f"these pages could not be read and are missing: {named}",)


_DAMAGED = "the file is damaged; open it, save it again and send it once more"
_EMPTY = "the file holds no text that could be read"
_EMPTY_PDF = (
    "the PDF holds no text, only pictures of it (a scan, perhaps); "
    "run text recognition (OCR) on it and send the result"
)
