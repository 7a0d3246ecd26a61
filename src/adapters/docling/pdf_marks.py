"""What is drawn on a PDF page besides the letters, in the order of drawing, and how text is set."""

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from adapters.docling import pdf_calls as calls
from adapters.docling.pdf_geometry import Box, Vast
from adapters.docling.pdf_space import (
    IDENTITY,
    PageSpace,
    Transform,
    applied,
    combined,
    common,
    is_rectangle,
    placed,
    straight,
)
from adapters.docling.picture_formats import MAX_PIXELS

MAX_SHAPES, MAX_TEXTS, _MAX_OBJECTS = 30_000, 60_000, 1_000_000
_MAX_FORMS_DEEP = 12
_MAX_SEGMENTS = 4_000
_RULE_POINTS = 3.0
_OPAQUE = 255
# More than of other pictures: pdfium makes them small while it unpacks them.
_MOST_PIXELS = 4 * MAX_PIXELS

Colour = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Fill:
    """An area that hides what is below it. `colour` None: a picture, a gradient or a shape."""

    order: int
    box: Box
    colour: Colour | None
    hides: bool


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How one text object is set. `clip` is where it can be seen at all, None for everywhere.

    `mark` is what the tags of the page know it by, -1 when they do not.
    """

    order: int
    size: float
    font: str
    bold: bool
    mode: int
    colour: Colour | None
    clip: Box | None
    upright: bool
    box: Box | None = None
    slanted: bool = False
    mark: int = -1


@dataclass(slots=True)
class Marks:
    """`styles` by the text object's address; `is_cut` when there was more than is looked at.

    `vast` are the pictures of too many pixels to be drawn.
    """

    rules: list[Box] = field(default_factory=list)
    pictures: list[Box] = field(default_factory=list)
    vast: list[Vast] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    styles: dict[int, TextStyle] = field(default_factory=dict)
    sizeless: int = 0
    is_cut: bool = False


class MarkReader:
    """Reads the pages of one document; its buffers serve one after another."""

    def __init__(self) -> None:
        self._floats = calls.Floats.new()
        self._integers = calls.Integers.new()
        self._matrix = calls.Matrix()
        self._matrix_address = ctypes.addressof(self._matrix)
        self._fonts: dict[int, tuple[str, bool, bool]] = {}

    def marks(self, page: int, space: PageSpace) -> Marks:
        """All text of a page and what is drawn around it, both up to a limit."""
        marks, shapes = Marks(), 0
        for order, (item, kind, transform) in enumerate(self._objects(page)):
            is_text = kind == calls.TEXT
            shapes += not is_text
            if order >= _MAX_OBJECTS or len(marks.styles) >= MAX_TEXTS:
                marks.is_cut = True
                break
            if is_text:
                self._text(item, order, transform, space, marks)
            elif shapes > MAX_SHAPES:
                marks.is_cut = True
            elif kind == calls.PATH:
                self._path(item, order, transform, space, marks)
            elif kind in (calls.IMAGE, calls.SHADING):
                self._area(item, order, transform, space, marks, is_image=kind == calls.IMAGE)
        return marks

    def _objects(self, page: int) -> Iterator[tuple[int, int, Transform]]:
        for index in range(calls.count_objects(page)):
            item = calls.page_object(page, index)
            yield from self._unfolded(item, IDENTITY, 0)

    def _unfolded(
        self, item: int, outer: Transform, depth: int
    ) -> Iterator[tuple[int, int, Transform]]:
        kind = calls.object_type(item)
        if kind != calls.FORM:
            yield item, kind, outer
            return
        if depth >= _MAX_FORMS_DEEP:
            return
        transform = combined(self._own_matrix(item), outer)
        for index in range(max(0, calls.count_inner(item))):
            yield from self._unfolded(calls.inner_object(item, index), transform, depth + 1)

    def _own_matrix(self, item: int) -> Transform:
        if not calls.object_matrix(item, self._matrix_address):
            return IDENTITY
        m = self._matrix
        return (m.a, m.b, m.c, m.d, m.e, m.f)

    def _box(self, item: int, transform: Transform, space: PageSpace) -> Box | None:
        if not calls.object_bounds(item, *self._floats.addresses):
            return None
        left, bottom, right, top = self._floats.buffer
        return placed(
            ((left, bottom), (right, top), (left, top), (right, bottom)), transform, space
        )

    def _text(
        self, item: int, order: int, transform: Transform, space: PageSpace, marks: Marks
    ) -> None:
        a, b, c, d, _, _ = combined(self._own_matrix(item), transform)
        nominal = self._floats.buffer
        calls.text_font_size(item, self._floats.addresses[0])
        size = abs(nominal[0]) * math.hypot(c, d)
        if size < 0.01:
            marks.sizeless += 1
        mode = calls.text_render_mode(item)
        dx, dy = space.direction(a, b)
        name, bold, slanted = self._font(calls.text_font(item))
        marks.styles[item] = TextStyle(
            order=order,
            size=size,
            font=name,
            bold=bold or mode == 2,
            mode=mode,
            colour=self._colour(item, stroke=mode == 1),
            clip=self._clip(item, transform, space),
            upright=dx > 0 and abs(dy) < 0.1 * dx,
            box=self._box(item, transform, space),
            slanted=slanted,
            # Inside of a form, numbers of marks are the form's own.
            mark=calls.object_mark(item) if transform is IDENTITY else -1,
        )

    def _font(self, font: int | None) -> tuple[str, bool, bool]:
        if not font:
            return "", False, False
        known = self._fonts.get(font)
        if known is None:
            buffer = ctypes.create_string_buffer(256)
            calls.font_name(font, ctypes.addressof(buffer), 256)
            name = buffer.value.decode("utf-8", "replace")
            lower = name.lower()
            bold = any(word in lower for word in ("bold", "black", "heavy", "demi"))
            known = name, bold, "italic" in lower or "oblique" in lower
            self._fonts[font] = known
        return known

    def _colour(self, item: int, *, stroke: bool = False) -> Colour | None:
        call = calls.object_stroke if stroke else calls.object_fill
        if not call(item, *self._integers.addresses):
            return None
        red, green, blue, alpha = self._integers.buffer
        return (red, green, blue, alpha)

    def _clip(self, item: int, transform: Transform, space: PageSpace) -> Box | None:
        clip = calls.clip_path(item)
        paths = calls.count_clips(clip) if clip else 0
        shown: Box | None = None
        for path in range(min(max(paths, 0), 16)):
            points = [
                point
                for index in range(min(calls.count_clip_segments(clip, path), 64))
                if (point := self._point(calls.clip_segment(clip, path, index)))
            ]
            # A clip of many segments may show more than the points looked at say.
            if len(points) >= 64 or not points:
                continue
            box = placed(tuple(points), transform, space)
            shown = box if shown is None else common(shown, box)
        return shown

    def _point(self, segment: int) -> tuple[float, float] | None:
        x, y = self._floats.addresses[:2]
        if not segment or not calls.segment_point(segment, x, y):
            return None
        return self._floats.buffer[0], self._floats.buffer[1]

    def _area(
        self,
        item: int,
        order: int,
        transform: Transform,
        space: PageSpace,
        marks: Marks,
        *,
        is_image: bool,
    ) -> None:
        box = self._box(item, transform, space)
        clip = self._clip(item, transform, space)
        if box is None:
            return
        shown = box if clip is None else common(box, clip)
        if is_image and shown.width > 0 and shown.height > 0:
            marks.pictures.append(shown)
            width, height = self._pixels(item)
            if width * height > _MOST_PIXELS:
                marks.vast.append(Vast(box=shown, size=(width, height)))
        hides = is_image and not calls.is_see_through(item)
        marks.fills.append(Fill(order, shown, None, hides))

    def _pixels(self, item: int) -> tuple[int, int]:
        width, height = self._integers.addresses[:2]
        if not calls.image_size(item, width, height):
            return 0, 0
        return self._integers.buffer[0], self._integers.buffer[1]

    def _path(
        self, item: int, order: int, transform: Transform, space: PageSpace, marks: Marks
    ) -> None:
        mode, stroked = self._integers.addresses[:2]
        if not calls.draw_mode(item, mode, stroked):
            return
        filled, is_stroked = self._integers.buffer[0] != 0, self._integers.buffer[1] != 0
        box = self._box(item, transform, space) if filled or is_stroked else None
        if box is None:
            return
        colour = self._colour(item, stroke=not filled)
        is_thin = min(box.width, box.height) <= _RULE_POINTS
        if is_thin and max(box.width, box.height) > _RULE_POINTS:
            if colour is None or colour[3] > 0:
                marks.rules.append(box)
            return
        count = calls.count_segments(item)
        points = self._path_points(item, count, transform, space) if count <= _MAX_SEGMENTS else []
        if is_stroked:
            marks.rules += straight(points)
        if filled and not is_thin:
            clip = self._clip(item, transform, space)
            shown = box if clip is None else common(box, clip)
            is_plain = is_rectangle(points)
            solid = colour is not None and colour[3] == _OPAQUE and not calls.is_see_through(item)
            marks.fills.append(Fill(order, shown, colour if is_plain else None, solid and is_plain))

    def _path_points(
        self, item: int, count: int, transform: Transform, space: PageSpace
    ) -> list[tuple[float, float, int]]:
        points = []
        for index in range(count):
            segment = calls.path_segment(item, index)
            point = self._point(segment)
            if point is not None:
                x, y = space.point(*applied(transform, *point))
                points.append((x, y, calls.segment_type(segment)))
        return points
