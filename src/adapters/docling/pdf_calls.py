"""The few pdfium calls made for every character, with plain addresses instead of checked pointers.

pypdfium2's own declarations cost more than the calls themselves. Handles are addresses here; what
a call writes goes to the buffers passed as `byref(...)`.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # ships no types


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


def _declared(name: str, result: type | None, *arguments: type) -> Callable[..., int]:
    address = ctypes.cast(getattr(pdfium, name), ctypes.c_void_p).value
    assert address is not None
    call: Callable[..., int] = ctypes.CFUNCTYPE(result, *arguments)(address)
    return call


_P, _I, _U = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint

count_chars = _declared("FPDFText_CountChars", _I, _P)
char_code = _declared("FPDFText_GetUnicode", _U, _P, _I)
char_object = _declared("FPDFText_GetTextObject", _P, _P, _I)
char_origin = _declared("FPDFText_GetCharOrigin", _I, _P, _I, _P, _P)
char_box = _declared("FPDFText_GetCharBox", _I, _P, _I, _P, _P, _P, _P)
char_matrix = _declared("FPDFText_GetMatrix", _I, _P, _I, _P)
count_objects = _declared("FPDFPage_CountObjects", _I, _P)
page_object = _declared("FPDFPage_GetObject", _P, _P, _I)
count_inner = _declared("FPDFFormObj_CountObjects", _I, _P)
inner_object = _declared("FPDFFormObj_GetObject", _P, _P, ctypes.c_ulong)
object_type = _declared("FPDFPageObj_GetType", _I, _P)
object_bounds = _declared("FPDFPageObj_GetBounds", _I, _P, _P, _P, _P, _P)
object_matrix = _declared("FPDFPageObj_GetMatrix", _I, _P, _P)
object_fill = _declared("FPDFPageObj_GetFillColor", _I, _P, _P, _P, _P, _P)
object_stroke = _declared("FPDFPageObj_GetStrokeColor", _I, _P, _P, _P, _P, _P)
is_see_through = _declared("FPDFPageObj_HasTransparency", _I, _P)
draw_mode = _declared("FPDFPath_GetDrawMode", _I, _P, _P, _P)
count_segments = _declared("FPDFPath_CountSegments", _I, _P)
path_segment = _declared("FPDFPath_GetPathSegment", _P, _P, _I)
segment_point = _declared("FPDFPathSegment_GetPoint", _I, _P, _P, _P)
segment_type = _declared("FPDFPathSegment_GetType", _I, _P)
clip_path = _declared("FPDFPageObj_GetClipPath", _P, _P)
count_clips = _declared("FPDFClipPath_CountPaths", _I, _P)
count_clip_segments = _declared("FPDFClipPath_CountPathSegments", _I, _P, _I)
clip_segment = _declared("FPDFClipPath_GetPathSegment", _P, _P, _I, _I)
text_font_size = _declared("FPDFTextObj_GetFontSize", _I, _P, _P)
text_font = _declared("FPDFTextObj_GetFont", _P, _P)
text_render_mode = _declared("FPDFTextObj_GetTextRenderMode", _I, _P)
font_name = _declared("FPDFFont_GetBaseFontName", ctypes.c_ulong, _P, _P, ctypes.c_ulong)

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
