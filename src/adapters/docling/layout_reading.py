"""docling's own layout pipeline over single pages: the extra `layout`; in the child only."""

import importlib
import importlib.util
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import docling.document_converter as converters
import pypdfium2
from docling.datamodel.accelerator_options import AcceleratorDevice, AcceleratorOptions
from docling.datamodel.base_models import DocumentStream, InputFormat
from docling.datamodel.pipeline_options import OcrMode, PdfPipelineOptions, RapidOcrOptions

from adapters.docling.layout_pages import LayoutFailed
from adapters.docling.mapping import blocks_of
from adapters.docling.shrinking import Shrinker
from domain.documents.structure import Block

_SECONDS_FOR_A_PAGE = 90.0
# Imported before the child is confined, for their imports look for more than files.
_HEAVY = (
    "torch",
    "torchvision",
    "transformers",
    "docling.models.stages.table_structure.table_structure_model",
)


class LayoutReader:
    """Reads pages with the models of a folder, loaded when the first page needs them."""

    def __init__(self, folder: Path) -> None:
        for name in _HEAVY:
            importlib.import_module(name)
        self._of_scans = _converter(layout_options(folder, of_scans=True))
        self._of_words = _converter(layout_options(folder, of_scans=False))
        self._is_broken = False

    def __call__(self, content: bytes, number: int) -> tuple[Block, ...]:
        """The blocks of a page, counted from 1. Raises LayoutFailed, MemoryError."""
        converter = self._of_words if _has_letters(content, number) else self._of_scans
        self._load(converter)
        source = DocumentStream(name="document.pdf", stream=BytesIO(content))
        try:
            result = converter.convert(source, page_range=(number, number))
        except MemoryError:
            raise
        except Exception as error:
            raise LayoutFailed from error
        blocks = blocks_of(result.document, Shrinker().of_image)
        return tuple(replace(block, page=number) for block in blocks)

    def _load(self, converter: converters.DocumentConverter) -> None:
        if self._is_broken:
            raise LayoutFailed("the models could not be loaded")
        try:
            converter.initialize_pipeline(InputFormat.PDF)
        except Exception as error:
            self._is_broken = True
            raise LayoutFailed("the models could not be loaded") from error


def _has_letters(content: bytes, number: int) -> bool:
    document = pypdfium2.PdfDocument(content)
    try:
        return int(document[number - 1].get_textpage().count_chars()) > 0
    finally:
        document.close()


def layout_options(folder: Path, *, of_scans: bool) -> PdfPipelineOptions:
    """Models from the folder alone; words in scans only with rapidocr, whose models ship."""
    options = PdfPipelineOptions(
        artifacts_path=folder,
        do_ocr=False,
        do_table_structure=True,
        generate_picture_images=True,
        document_timeout=_SECONDS_FOR_A_PAGE,
        accelerator_options=AcceleratorOptions(num_threads=1, device=AcceleratorDevice.CPU),
    )
    shipped = _shipped_recognition() if of_scans else None
    if shipped is not None:
        options.do_ocr = True
        options.ocr_options = shipped
    return options


def _shipped_recognition() -> RapidOcrOptions | None:
    package = importlib.util.find_spec("rapidocr")
    if package is None or package.origin is None:
        return None
    models = Path(package.origin).parent / "models"
    found = [next(iter(sorted(models.glob(f"*_{part}_*.onnx"))), None) for part in _PARTS]
    if not all(found):
        return None
    det, cls, rec = map(str, found)
    # By the regions of the layout, docling would drop the words that no region holds.
    return RapidOcrOptions(
        mode=OcrMode.FULL_PAGE, det_model_path=det, cls_model_path=cls, rec_model_path=rec
    )


def _converter(options: PdfPipelineOptions) -> converters.DocumentConverter:
    from docling.pipeline.standard_pdf_pipeline import StandardPdfPipeline

    as_pdf = converters.PdfFormatOption(pipeline_cls=StandardPdfPipeline, pipeline_options=options)
    return converters.DocumentConverter(
        allowed_formats=[InputFormat.PDF], format_options={InputFormat.PDF: as_pdf}
    )


_PARTS = ("det", "cls", "rec")
