"""Annotations of a PDF page: notes are hidden text, filled-in fields are part of the page."""

import ctypes

import pypdfium2.raw as pdfium

from domain.documents.structure import HiddenKind, HiddenText

_MAX_ANNOTATIONS = 2_000
_DRAWN = frozenset({pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_STAMP})
_SILENT = frozenset({pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT})


def shows_fields(page: object) -> bool:
    """Whether annotations draw text on the page: form fields, free text and stamps."""
    return any(subtype in _DRAWN for subtype, _ in _annotations(page))


def notes_of(page: object, number: int) -> list[HiddenText]:
    """What readers see only when they open a note."""
    return [
        HiddenText(text=text, kind=HiddenKind.COMMENT, page=number)
        for subtype, text in _annotations(page)
        if subtype not in _SILENT and text.strip()
    ]


def _annotations(page: object) -> list[tuple[int, str]]:
    found = []
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MAX_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if annotation:
            subtype = pdfium.FPDFAnnot_GetSubtype(annotation)
            text = "" if subtype in _SILENT else _contents(annotation)
            found.append((subtype, text))
            pdfium.FPDFPage_CloseAnnot(annotation)
    return found


def _contents(annotation: object) -> str:
    size = pdfium.FPDFAnnot_GetStringValue(annotation, b"Contents", None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    wide = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort))
    pdfium.FPDFAnnot_GetStringValue(annotation, b"Contents", wide, size)
    return buffer.raw.decode("utf-16-le", "replace").rstrip("\x00")
