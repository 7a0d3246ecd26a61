"""A PDF page as a picture, for recognition."""

import pypdfium2.raw as pdfium
from PIL import Image

from adapters.docling.pdf_geometry import Box
from adapters.docling.recognition import MAX_SIDE_PIXELS

_PIXELS_A_POINT = 200 / 72
_WHITE = 0xFFFFFFFF
_BYTES_A_PIXEL = 4


def rendered_part(page: object, box: Box, longest: int) -> Image.Image:
    """A part of the page, given in points from its top left; its longest side in pixels."""
    scale = longest / max(box.width, box.height)
    size = max(1, round(box.width * scale)), max(1, round(box.height * scale))
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    whole = max(1, round(width * scale)), max(1, round(height * scale))
    return _drawn(page, size, (-round(box.left * scale), -round(box.top * scale)), whole)


def rendered(page: object) -> tuple[Image.Image, float]:
    """The page at 200 dots an inch or a little less, and its pixels a point."""
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    scale = min(_PIXELS_A_POINT, MAX_SIDE_PIXELS / max(width, height, 1.0))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return _drawn(page, size, (0, 0), size), scale


def _drawn(
    page: object, size: tuple[int, int], start: tuple[int, int], whole: tuple[int, int]
) -> Image.Image:
    """What is seen through a window of `size` of a page that begins at `start`; pixels."""
    bitmap = pdfium.FPDFBitmap_Create(*size, 0)
    if not bitmap:
        raise MemoryError
    try:
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, *size, _WHITE)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, *start, *whole, 0, pdfium.FPDF_ANNOT)
        stride = pdfium.FPDFBitmap_GetStride(bitmap)
        buffer = pdfium.FPDFBitmap_GetBuffer(bitmap)
        data = bytes((pdfium.c_ubyte * (stride * size[1])).from_address(buffer))
        return Image.frombuffer("RGB", size, data, "raw", "BGRX", stride, 1)
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)
