"""Whether a person who looks at the page can see a word on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.docling.pdf_geometry import Box
from adapters.docling.pdf_marks import Colour, Fill, Marks, TextStyle
from domain.documents.structure import HiddenKind

MIN_READABLE_POINTS = 1.0
_INVISIBLE_MODE, _CLIP_MODE = 3, 7
_FAINT = 13
_NARROWEST_EMS, _FEW_LETTERS = 0.1, 3
_SCAN_SHARE = 0.5
_ALIKE = 14
_BAND_POINTS = 24.0
_WHITE: Colour = (255, 255, 255, 255)
_SLACK = 0.75


@dataclass(frozen=True, slots=True)
class Sight:
    """What lies above and below the text of one page, by horizontal bands."""

    width: float
    height: float
    has_scan: bool
    bands: dict[int, list[Fill]]
    grounds: frozenset[Colour]

    @classmethod
    def of(cls, marks: Marks, width: float, height: float) -> "Sight":
        scan = any(box.width * box.height >= _SCAN_SHARE * width * height for box in marks.pictures)
        bands: dict[int, list[Fill]] = {}
        for fill in marks.fills:
            first = max(0, int(fill.box.top // _BAND_POINTS))
            last = min(int(height // _BAND_POINTS), int(fill.box.bottom // _BAND_POINTS))
            for band in range(first, last + 1):
                bands.setdefault(band, []).append(fill)
        plain = {fill.colour for fill in marks.fills if fill.colour is not None}
        return cls(width, height, scan, bands, frozenset(plain | {_WHITE}))

    def hides(
        self, box: Box, ink: Box, style: TextStyle, size: float, letters: int = 0
    ) -> HiddenKind | None:
        """How a word of so many letters is hidden, or None when it can be seen."""
        if box.right <= 0 or box.left >= self.width or box.bottom <= 0 or box.top >= self.height:
            return HiddenKind.OFF_PAGE
        if style.mode == _INVISIBLE_MODE:
            # The text below a scan is what recognition made of the picture.
            return None if self.has_scan else HiddenKind.INVISIBLE
        if size < MIN_READABLE_POINTS and ink.height < MIN_READABLE_POINTS:
            return HiddenKind.TINY
        # Letters upon letters: squeezed together, or said to stand where others are drawn.
        is_flat = ink.width < _NARROWEST_EMS * size * (letters - 1) and style.upright
        if letters >= _FEW_LETTERS and is_flat:
            return HiddenKind.TINY
        if style.colour is not None and style.colour[3] < _FAINT:
            return HiddenKind.INVISIBLE
        if style.clip is not None and _apart(ink, style.clip):
            return HiddenKind.COVERED
        fills: Sequence[Fill] = self.bands.get(int((ink.top + ink.bottom) / 2 // _BAND_POINTS), ())
        after = [fill for fill in fills if fill.order > style.order]
        if style.mode == _CLIP_MODE:
            # Such letters are holes, through which one sees what is drawn after them.
            is_filled = any(fill.box.holds_middle_of(ink, slack=0) for fill in after)
            return None if is_filled or self.has_scan else HiddenKind.INVISIBLE
        if any(fill.hides and _holds(fill.box, ink) for fill in after):
            return None if self.has_scan else HiddenKind.COVERED
        if style.colour is not None and self._same_as_below(style.colour, style.order, ink, fills):
            return HiddenKind.WHITE
        return None

    def _same_as_below(self, colour: Colour, order: int, ink: Box, fills: Sequence[Fill]) -> bool:
        if not any(_alike(colour, ground) for ground in self.grounds):
            return False
        below: Colour | None = _WHITE
        for fill in fills:
            if fill.order < order and fill.box.holds_middle_of(ink, slack=0):
                is_opaque = fill.colour is None or fill.colour[3] == 255
                below = fill.colour if is_opaque else None
        return below is not None and _alike(colour, below)


def _alike(a: Colour, b: Colour) -> bool:
    return abs(a[0] - b[0]) <= _ALIKE and abs(a[1] - b[1]) <= _ALIKE and abs(a[2] - b[2]) <= _ALIKE


def _apart(a: Box, b: Box) -> bool:
    across = a.right <= b.left + 0.1 or b.right <= a.left + 0.1
    return across or a.bottom <= b.top + 0.1 or b.bottom <= a.top + 0.1


def _holds(outer: Box, inner: Box) -> bool:
    return (
        outer.left - _SLACK <= inner.left
        and outer.right + _SLACK >= inner.right
        and outer.top - _SLACK <= inner.top
        and outer.bottom + _SLACK >= inner.bottom
    )
