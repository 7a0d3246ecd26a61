"""Office files, web pages and Markdown, read by docling once what is hidden in them is out."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from docling.backend.html_backend import HTMLDocumentBackend
from docling.datamodel.base_models import InputFormat
from docling.datamodel.document import ConversionResult
from docling_core.types.doc.items.text import TitleItem

from adapters.docling.docx_notes import bring_notes
from adapters.docling.front_matter import without_front_matter
from adapters.docling.hidden_docx import hidden_in_document
from adapters.docling.hidden_markdown import without_hidden
from adapters.docling.hidden_pptx import shown_slides
from adapters.docling.hidden_xlsx import shown_workbook
from adapters.docling.main_content import main_content
from adapters.docling.mapping import blocks_of
from adapters.docling.markdown_page import page_of
from adapters.docling.office_backends import compile_paths_once
from adapters.docling.office_parts import OfficeParts
from adapters.docling.office_pipeline import DAMAGED, OfficePipeline, presentation_of
from adapters.docling.page_pictures import markdown_without_pictures, page_without_pictures
from adapters.docling.page_tree import open_paragraphs_only
from adapters.docling.picture_texts import document_pictures, slide_pictures
from adapters.docling.refusal import Refused
from adapters.docling.screen_archive import screen_archive, screen_workbook
from adapters.docling.screen_text import clean_html, readable_text
from adapters.docling.shrinking import Shrinker
from adapters.docling.stand_ins import PutAside, with_stand_ins
from adapters.docling.warnings import missing_pages
from domain.documents.media import MediaType
from domain.documents.structure import Block, DocumentStructure, Heading, HiddenText, Picture
from domain.safety.web_page import is_web_page

# Spaces of every kind are one kind, and what has no width says nothing.
_WIDTHS: dict[int, str | None] = {
    **{0x00A0: " ", 0x202F: " "},
    **{0x200B: None, 0x200C: None, 0x200D: None, 0x00AD: None, 0xFEFF: None, 0x2060: None},
}
# docling does not look at the pictures of slides.
_WITH_PICTURES = frozenset({MediaType.DOCX, MediaType.XLSX})


@dataclass(frozen=True, slots=True)
class _Shown:
    """What docling is to read, but for its pictures, which are put aside.

    Slides and sheets that are not shown are dropped afterwards.
    """

    content: bytes
    hidden: list[HiddenText] = field(default_factory=list)
    title: str = ""
    unseen_pages: frozenset[int] = frozenset()
    read_as: MediaType | None = None
    pictures: PutAside = field(default_factory=PutAside)
    picture_texts: tuple[str, ...] = ()


class OfficeReader:
    """Reads files one after another with one warm pipeline of docling."""

    def __init__(self) -> None:
        compile_paths_once()
        open_paragraphs_only()
        self._pipeline = OfficePipeline()
        # docling writes “quotes”, dashes and … in plain; people quote these words to the letter.
        setattr(HTMLDocumentBackend, "_clean_unicode", staticmethod(_as_written))  # noqa: B010

    def read(
        self, filename: str, media_type: MediaType, content: bytes, shrinker: Shrinker
    ) -> DocumentStructure:
        """Raises Refused."""
        shown = _SHOWN[media_type](content)
        source, pictures = shown.content, shown.pictures
        if media_type is MediaType.HTML and is_web_page(filename):
            source = main_content(source)
        if media_type in _WITH_PICTURES:
            source, pictures = with_stand_ins(source)
        result = self._pipeline.convert(shown.read_as or media_type, source)
        blocks = _blocks(media_type, shown, result, pictures, shrinker)
        blocks = tuple(block for block in blocks if block.page not in shown.unseen_pages)
        told = any(not isinstance(b, Picture) or b.caption or b.image for b in blocks)
        if not told and not shown.hidden:
            raise Refused("; ".join((DAMAGED if result.errors else _EMPTY, *shrinker.warnings)))
        return DocumentStructure(
            title=shown.title or _title(result, blocks) or PurePosixPath(filename).stem or filename,
            blocks=blocks,
            page_count=max(1, len(result.document.pages)),
            warnings=(
                *missing_pages({e.page_no for e in result.errors if e.page_no}),
                *shrinker.warnings,
                *pictures.warnings,
            ),
            hidden=tuple(shown.hidden),
        )


def _as_written(text: str) -> str:
    return text.translate(_WIDTHS)


def _markdown(content: bytes) -> _Shown:
    text, title = without_front_matter(readable_text(content))
    text, pictures = markdown_without_pictures(text)
    text, hidden, is_styled = without_hidden(text)
    page = page_of(text, whatever=is_styled or bool(pictures.pictures))
    if page is None:
        return _Shown(text.encode(), hidden, title)
    shown, _, more = clean_html(page)
    return _Shown(shown, [*hidden, *more], title, read_as=MediaType.HTML, pictures=pictures)


def _page(content: bytes) -> _Shown:
    content, pictures = page_without_pictures(content)
    page, title, hidden = clean_html(content)
    return _Shown(page, hidden, title, pictures=pictures)


def _document(content: bytes) -> _Shown:
    screen_archive(MediaType.DOCX, content)
    parts = OfficeParts(content)
    hidden = hidden_in_document(parts)
    bring_notes(parts)
    document = parts.kept(parts.main)
    texts = () if document is None else document_pictures(document)
    return _Shown(parts.content, hidden, picture_texts=texts)


def _slides(content: bytes) -> _Shown:
    screen_archive(MediaType.PPTX, content)
    slides = shown_slides(content)
    return _Shown(slides.content, slides.hidden, unseen_pages=slides.unseen_slides)


def _workbook(content: bytes) -> _Shown:
    screen_archive(MediaType.XLSX, content)
    screen_workbook(content)
    book = shown_workbook(content)
    return _Shown(book.content, book.hidden, unseen_pages=book.unseen_sheets)


_SHOWN: dict[MediaType, Callable[[bytes], _Shown]] = {
    MediaType.MARKDOWN: _markdown,
    MediaType.HTML: _page,
    MediaType.DOCX: _document,
    MediaType.PPTX: _slides,
    MediaType.XLSX: _workbook,
}


def _blocks(
    media_type: MediaType,
    shown: _Shown,
    result: ConversionResult,
    aside: PutAside,
    shrinker: Shrinker,
) -> tuple[Block, ...]:
    if media_type is MediaType.PPTX:
        pictures = slide_pictures(presentation_of(result), shrinker)
        return _slide_pictures_added(blocks_of(result.document), pictures)
    blocks = blocks_of(result.document, lambda image, page: aside.shown(image, page, shrinker))
    if media_type is MediaType.DOCX:
        texts = shown.picture_texts
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
    """Put each picture at the end of its slide."""
    kept = [b for b in blocks if not isinstance(b, Picture) or b.caption]
    for picture in pictures:
        number = picture.page or 0
        place = max((i for i, b in enumerate(kept) if (b.page or 0) <= number), default=-1)
        kept.insert(place + 1, picture)
    return tuple(kept)


def _title(result: ConversionResult, blocks: tuple[Block, ...]) -> str:
    titled = next((item for item in result.document.texts if isinstance(item, TitleItem)), None)
    if titled is not None and titled.text.strip():
        return " ".join(titled.text.split())
    is_sheet = result.input.format is InputFormat.XLSX
    first = next((b for b in blocks if isinstance(b, Heading) and b.level == 1), None)
    return "" if is_sheet or first is None else first.text


_EMPTY = "the file holds no text that could be read"
