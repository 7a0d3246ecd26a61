"""A PDF page as a picture, for recognition."""

import pypdfium2.raw as pdfium
from PIL import Image

from adapters.docling.recognition import MAX_SIDE_PIXELS

_PIXELS_A_POINT = 200 / 72
_WHITE = 0xFFFFFFFF
_BYTES_A_PIXEL = 4


def rendered(page: object) -> tuple[Image.Image, float]:
    """The page at 200 dots an inch or a little less, and its pixels a point."""
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    scale = min(_PIXELS_A_POINT, MAX_SIDE_PIXELS / max(width, height, 1.0))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    bitmap = pdfium.FPDFBitmap_Create(*size, 0)
    if not bitmap:
        raise MemoryError
    try:
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, *size, _WHITE)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, *size, 0, pdfium.FPDF_ANNOT)
        stride = pdfium.FPDFBitmap_GetStride(bitmap)
        buffer = pdfium.FPDFBitmap_GetBuffer(bitmap)
        data = bytes((pdfium.c_ubyte * (stride * size[1])).from_address(buffer))
        return Image.frombuffer("RGB", size, data, "raw", "BGRX", stride, 1), scale
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)
