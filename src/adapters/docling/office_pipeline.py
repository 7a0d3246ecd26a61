"""docling's way from an Office file, a page or Markdown to its tree, straight to the reader."""

from dataclasses import dataclass
from io import BytesIO

from docling.backend.abstract_backend import DeclarativeDocumentBackend
from docling.backend.md_backend import MarkdownDocumentBackend
from docling.backend.msexcel_backend import MsExcelDocumentBackend
from docling.datamodel.backend_options import (
    BackendOptions,
    HTMLBackendOptions,
    MsExcelBackendOptions,
)
from docling.datamodel.base_models import ConversionStatus, InputFormat
from docling.datamodel.document import ConversionResult, InputDocument
from docling.pipeline.simple_pipeline import SimplePipeline
from pptx.presentation import Presentation

from adapters.docling.office_backends import SlidesBackend, WordBackend
from adapters.docling.page_pictures import PageBackend
from adapters.docling.refusal import Refused
from domain.documents.media import MediaType

_READ = (ConversionStatus.SUCCESS, ConversionStatus.PARTIAL_SUCCESS)


@dataclass(frozen=True, slots=True)
class _Reader:
    format: InputFormat
    backend: type[DeclarativeDocumentBackend]
    options: BackendOptions | None = None


_HTML = HTMLBackendOptions.model_validate(
    {"add_title": False, "infer_furniture": False, "fetch_images": True}
)
_EXCEL = MsExcelBackendOptions.model_validate({"treat_singleton_as_text": True})
_READERS = {
    MediaType.MARKDOWN: _Reader(InputFormat.MD, MarkdownDocumentBackend),
    MediaType.HTML: _Reader(InputFormat.HTML, PageBackend, _HTML),
    MediaType.DOCX: _Reader(InputFormat.DOCX, WordBackend),
    MediaType.PPTX: _Reader(InputFormat.PPTX, SlidesBackend),
    MediaType.XLSX: _Reader(InputFormat.XLSX, MsExcelDocumentBackend, _EXCEL),
}


class OfficePipeline(SimplePipeline):
    """docling's pipeline without the models that it asks about every picture, and never has."""

    def __init__(self) -> None:
        super().__init__(SimplePipeline.get_default_options())

    def _enrich_document(self, conv_res: ConversionResult) -> ConversionResult:
        return conv_res

    def convert(self, media_type: MediaType, content: bytes) -> ConversionResult:
        """Raises Refused."""
        reader = _READERS[media_type]
        source = InputDocument(
            path_or_stream=BytesIO(content),
            filename=f"document.{reader.format.value}",
            format=reader.format,
            backend=reader.backend,
            backend_options=reader.options,
        )
        if not source.valid:
            raise Refused(DAMAGED)
        result = self.execute(source, raises_on_error=False)
        if result.status not in _READ:
            raise Refused(_why_failed(result))
        return result


def presentation_of(result: ConversionResult) -> Presentation:
    """The slides that docling has read, so that nobody opens them again."""
    backend = result.input._backend
    assert isinstance(backend, SlidesBackend)
    assert backend.pptx_obj is not None
    return backend.pptx_obj


def _why_failed(result: ConversionResult) -> str:
    if any("recursion" in error.error_message.lower() for error in result.errors):
        return "the file nests its parts too deeply to be read safely"
    return DAMAGED


DAMAGED = "the file is damaged; open it, save it again and send it once more"
