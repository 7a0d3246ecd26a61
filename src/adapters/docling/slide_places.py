"""Where the shapes of a slide stand, and which of them lie below others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from lxml import etree

from adapters.docling.office_parts import A, P, R

PICTURE, GROUP = f"{P}pic", f"{P}grpSp"
_MOST_COVERS = 200


@dataclass(frozen=True, slots=True)
class Place:
    """In the slide's own units from its top left corner; turned shapes as if they were not."""

    x: float
    y: float
    right: float
    bottom: float

    def holds(self, other: "Place") -> bool:
        across = self.x <= other.x and other.right <= self.right
        return across and self.y <= other.y and other.bottom <= self.bottom


def box_on_slide(shape: etree._Element) -> Place | None:
    """Where a shape stands; None where its layout decides it."""
    place = _frame(shape)
    for group in shape.iterancestors(GROUP):
        outer, inner = _frame(group), _frame(group, "chOff", "chExt")
        if place is None or outer is None or inner is None:
            return None
        place = _moved(place, inner, outer)
    return place


def covers(shapes: Sequence[etree._Element], parts: Mapping[str, str]) -> list[tuple[int, Place]]:
    """Which of a slide's shapes, by their number, hide what lies below them, and where.

    None of a slide that moves: there they may go away. `parts` are those that it points to.
    """
    if not shapes or next(shapes[0].getroottree().iter(f"{P}timing"), None) is not None:
        return []
    found = (
        (number, place)
        for number, shape in enumerate(shapes)
        if _is_opaque(shape, parts) and (place := box_on_slide(shape)) is not None
    )
    return list(islice(found, _MOST_COVERS))


def _is_opaque(shape: etree._Element, parts: Mapping[str, str]) -> bool:
    """An upright rectangle that is filled with a colour, or with a photograph."""
    properties = shape.find(f"{P}spPr")
    form = None if properties is None else properties.find(f"{A}prstGeom")
    turned = None if properties is None else properties.find(f"{A}xfrm")
    if form is None or turned is None or turned.get("rot") not in (None, "0"):
        return False
    if (
        form.get("prst") != "rect"
        or next(shape.iter(f"{A}alpha", f"{A}alphaModFix"), None) is not None
    ):
        return False
    if shape.tag == PICTURE:
        blip = shape.find(f"{P}blipFill/{A}blip")
        # Of all pictures these alone never have holes.
        name = "" if blip is None else parts.get(blip.get(f"{R}embed") or "", "")
        return name.lower().endswith((".jpg", ".jpeg"))
    return properties is not None and properties.find(f"{A}solidFill") is not None


def _frame(shape: etree._Element, corner: str = "off", extent: str = "ext") -> Place | None:
    paths = (f"{P}spPr/{A}xfrm", f"{P}grpSpPr/{A}xfrm", f"{P}xfrm")
    frame = next((found for path in paths if (found := shape.find(path)) is not None), None)
    at = None if frame is None else frame.find(f"{A}{corner}")
    size = None if frame is None else frame.find(f"{A}{extent}")
    if at is None or size is None:
        return None
    x, y = int(at.get("x") or 0), int(at.get("y") or 0)
    return Place(x, y, x + int(size.get("cx") or 0), y + int(size.get("cy") or 0))


def _moved(place: Place, inner: Place, outer: Place) -> Place:
    """What stands at `place` of `inner`, where `inner` is shown as `outer`."""
    wide = (outer.right - outer.x) / ((inner.right - inner.x) or 1)
    high = (outer.bottom - outer.y) / ((inner.bottom - inner.y) or 1)
    return Place(
        outer.x + (place.x - inner.x) * wide,
        outer.y + (place.y - inner.y) * high,
        outer.x + (place.right - inner.x) * wide,
        outer.y + (place.bottom - inner.y) * high,
    )
