"""The few pdfium calls made for every character, with plain addresses instead of checked pointers.

pypdfium2's own declarations cost more than the calls themselves. Handles are addresses here; what
a call writes goes to the buffers passed as `byref(...)`.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

import pypdfium2.raw as pdfium


class Matrix(ctypes.Structure):
    """`x' = a x + c y + e`, `y' = b x + d y + f`."""

    _fields_ = (
        ("a", ctypes.c_float),
        ("b", ctypes.c_float),
        ("c", ctypes.c_float),
        ("d", ctypes.c_float),
        ("e", ctypes.c_float),
        ("f", ctypes.c_float),
    )


_P, _I, _U, _L = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint, ctypes.c_ulong
# Our name, pdfium's, what it gives back, what it takes.
_CALLS: dict[str, tuple[str, type | None, *tuple[type, ...]]] = {
    "count_chars": ("FPDFText_CountChars", _I, _P),
    "char_code": ("FPDFText_GetUnicode", _U, _P, _I),
    "char_object": ("FPDFText_GetTextObject", _P, _P, _I),
    "char_origin": ("FPDFText_GetCharOrigin", _I, _P, _I, _P, _P),
    "char_box": ("FPDFText_GetCharBox", _I, _P, _I, _P, _P, _P, _P),
    "char_matrix": ("FPDFText_GetMatrix", _I, _P, _I, _P),
    "count_objects": ("FPDFPage_CountObjects", _I, _P),
    "page_object": ("FPDFPage_GetObject", _P, _P, _I),
    "count_inner": ("FPDFFormObj_CountObjects", _I, _P),
    "inner_object": ("FPDFFormObj_GetObject", _P, _P, _L),
    "object_type": ("FPDFPageObj_GetType", _I, _P),
    "object_bounds": ("FPDFPageObj_GetBounds", _I, _P, _P, _P, _P, _P),
    "object_matrix": ("FPDFPageObj_GetMatrix", _I, _P, _P),
    "object_fill": ("FPDFPageObj_GetFillColor", _I, _P, _P, _P, _P, _P),
    "object_stroke": ("FPDFPageObj_GetStrokeColor", _I, _P, _P, _P, _P, _P),
    "image_size": ("FPDFImageObj_GetImagePixelSize", _I, _P, _P, _P),
    "is_see_through": ("FPDFPageObj_HasTransparency", _I, _P),
    "draw_mode": ("FPDFPath_GetDrawMode", _I, _P, _P, _P),
    "count_segments": ("FPDFPath_CountSegments", _I, _P),
    "path_segment": ("FPDFPath_GetPathSegment", _P, _P, _I),
    "segment_point": ("FPDFPathSegment_GetPoint", _I, _P, _P, _P),
    "segment_type": ("FPDFPathSegment_GetType", _I, _P),
    "clip_path": ("FPDFPageObj_GetClipPath", _P, _P),
    "count_clips": ("FPDFClipPath_CountPaths", _I, _P),
    "count_clip_segments": ("FPDFClipPath_CountPathSegments", _I, _P, _I),
    "clip_segment": ("FPDFClipPath_GetPathSegment", _P, _P, _I, _I),
    "text_font_size": ("FPDFTextObj_GetFontSize", _I, _P, _P),
    "text_font": ("FPDFTextObj_GetFont", _P, _P),
    "text_render_mode": ("FPDFTextObj_GetTextRenderMode", _I, _P),
    "font_name": ("FPDFFont_GetBaseFontName", _L, _P, _P, _L),
    "object_mark": ("FPDFPageObj_GetMarkedContentID", _I, _P),
    "tags_of_page": ("FPDF_StructTree_GetForPage", _P, _P),
    "close_tags": ("FPDF_StructTree_Close", None, _P),
    "count_tags": ("FPDF_StructTree_CountChildren", _I, _P),
    "tag": ("FPDF_StructTree_GetChildAtIndex", _P, _P, _I),
    "tag_kind": ("FPDF_StructElement_GetType", _L, _P, _P, _L),
    "count_tag_children": ("FPDF_StructElement_CountChildren", _I, _P),
    "child_tag": ("FPDF_StructElement_GetChildAtIndex", _P, _P, _I),
    "child_mark": ("FPDF_StructElement_GetChildMarkedContentID", _I, _P, _I),
}


def __getattr__(name: str) -> Callable[..., int]:
    """Declares a call when it is first asked for, and keeps it."""
    if name not in _CALLS:
        raise AttributeError(name)
    function, result, *arguments = _CALLS[name]
    address = ctypes.cast(getattr(pdfium, function), ctypes.c_void_p).value
    assert address is not None
    call: Callable[..., int] = ctypes.CFUNCTYPE(result, *arguments)(address)
    globals()[name] = call
    return call


TEXT, PATH, IMAGE, SHADING, FORM = 1, 2, 3, 4, 5


@dataclass(slots=True)
class Floats:
    """Four floats for a call to write to."""

    buffer: ctypes.Array[ctypes.c_float]
    addresses: tuple[int, int, int, int]

    @classmethod
    def new(cls) -> "Floats":
        buffer = (ctypes.c_float * 4)()
        at = ctypes.addressof(buffer)
        return cls(buffer, (at, at + 4, at + 8, at + 12))


@dataclass(slots=True)
class Doubles:
    """Four doubles for a call to write to."""

    buffer: ctypes.Array[ctypes.c_double]
    addresses: tuple[int, int, int, int]

    @classmethod
    def new(cls) -> "Doubles":
        buffer = (ctypes.c_double * 4)()
        at = ctypes.addressof(buffer)
        return cls(buffer, (at, at + 8, at + 16, at + 24))


@dataclass(slots=True)
class Integers:
    """Four integers for a call to write to."""

    buffer: ctypes.Array[ctypes.c_uint]
    addresses: tuple[int, int, int, int]

    @classmethod
    def new(cls) -> "Integers":
        buffer = (ctypes.c_uint * 4)()
        at = ctypes.addressof(buffer)
        return cls(buffer, (at, at + 4, at + 8, at + 12))


def address_of(handle: object) -> int:
    """The address behind one of pypdfium2's handles."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0  # type: ignore[arg-type]  # untyped
