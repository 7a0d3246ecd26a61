"""docling's model-free PDF pipeline, with our own assembly of what it finds on the pages."""

from dataclasses import dataclass

from docling.backend.pdf_backend import PdfPageBackend
from docling.datamodel.base_models import Page
from docling.datamodel.document import ConversionResult
from docling.datamodel.pipeline_options import NativePdfPipelineOptions
from docling.pipeline.native_pdf_pipeline import NativePdfPipeline, _NativeBuildTimings
from docling_core.types.doc.base import BoundingBox, CoordOrigin
from docling_core.types.doc.common.reference import ProvenanceItem
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.table.table_data import TableCell, TableData
from docling_core.types.doc.labels import DocItemLabel
from docling_core.types.doc.page import SegmentedPdfPage

from adapters.docling.pdf_document import InkedPage, PlacedPart, document_parts
from adapters.docling.pdf_geometry import Box
from adapters.docling.pdf_page import PageInk, Part, Role
from adapters.docling.pdf_words import Word

_MIN_PICTURE_POINTS = 24.0


class ReadingOrderPdfPipeline(NativePdfPipeline):
    """Reads headings, paragraphs, lists, tables and pictures from where the ink stands."""

    def __init__(self, pipeline_options: NativePdfPipelineOptions) -> None:
        super().__init__(pipeline_options)
        self._inked: list[InkedPage] = []

    def _build_document(self, conv_res: ConversionResult) -> ConversionResult:
        self._inked = []
        return super()._build_document(conv_res)

    def _parse_page(
        self,
        timings: _NativeBuildTimings,
        conv_res: ConversionResult,
        page_backend: PdfPageBackend,
    ) -> Page | None:
        # Shapes are only to be had while the page's backend is alive.
        page = super()._parse_page(timings, conv_res, page_backend)
        if page is not None and page.size is not None and page.parsed_page is not None:
            ink = _ink(page.parsed_page, page_backend, page.size.height)
            self._inked.append(InkedPage(page.page_no, page.size.height, ink))
            # Hundreds of parsed pages would take hundreds of megabytes.
            page.parsed_page = None
        return page

    def _assemble_document(self, conv_res: ConversionResult) -> ConversionResult:
        document = DoclingDocument(name=conv_res.input.file.stem)
        for page in conv_res.pages:
            if page.size is not None:
                document.add_page(page_no=page.page_no, size=page.size)
        pages = sorted(self._inked, key=lambda page: page.number)
        self._inked = []
        _Assembly(document).add(document_parts(pages))
        conv_res.document = document
        return conv_res


@dataclass(frozen=True, slots=True)
class _Assembly:
    document: DoclingDocument

    def add(self, placed: list[PlacedPart]) -> None:
        group = None
        for item in placed:
            prov = _provenance(item.page, item.part.box)
            if item.part.role is not Role.LIST_ITEM:
                group = None
            match item.part.role:
                case Role.HEADING:
                    self.document.add_heading(item.part.text, level=item.level, prov=prov)
                case Role.LIST_ITEM:
                    group = group or self.document.add_list_group()
                    self.document.add_list_item(item.part.text, parent=group, prov=prov)
                case Role.TABLE:
                    self.document.add_table(data=_table_data(item.part), prov=prov)
                case Role.PICTURE:
                    self.document.add_picture(prov=prov)
                case Role.TEXT:
                    text = item.part.text
                    self.document.add_text(label=DocItemLabel.TEXT, text=text, prov=prov)


def _ink(page: SegmentedPdfPage, backend: PdfPageBackend, height: float) -> PageInk:
    words = [
        Word(
            box=_box(cell.rect.to_bounding_box(), height),
            text=cell.text.strip(),
            bold="bold" in str(getattr(cell, "font_name", "")).lower(),
            font=str(getattr(cell, "font_name", "")),
        )
        for cell in page.word_cells
        if cell.text.strip()
    ]
    rules = [_box(rule, height) for rule in backend.get_shape_lines() or []]
    pictures = [_box(bitmap.rect.to_bounding_box(), height) for bitmap in page.bitmap_resources]
    shown = [b for b in pictures if min(b.width, b.height) >= _MIN_PICTURE_POINTS]
    return PageInk(words=words, rules=rules, pictures=shown)


def _box(box: BoundingBox, height: float) -> Box:
    top = box.to_top_left_origin(height)
    return Box(top.l, top.t, top.r, top.b)


def _provenance(page: int, box: Box) -> ProvenanceItem:
    bounds = BoundingBox(
        l=box.left, t=box.top, r=box.right, b=box.bottom, coord_origin=CoordOrigin.TOPLEFT
    )
    return ProvenanceItem(page_no=page, bbox=bounds, charspan=(0, 0))


def _table_data(part: Part) -> TableData:
    cells = [
        TableCell(
            text=text,
            start_row_offset_idx=row,
            end_row_offset_idx=row + 1,
            start_col_offset_idx=column,
            end_col_offset_idx=column + 1,
            column_header=row == 0,
        )
        for row, texts in enumerate(part.rows)
        for column, text in enumerate(texts)
    ]
    return TableData(num_rows=len(part.rows), num_cols=len(part.rows[0]), table_cells=cells)
