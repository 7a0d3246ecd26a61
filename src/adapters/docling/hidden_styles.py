"""How CSS declarations hide an element's text."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from adapters.docling.colours import BLACK, WHITE, Rgb, alike, css_colour
from domain.documents.structure import HiddenKind

_LENGTH = re.compile(r"^(-?[\d.]+)\s*(px|pt|em|rem|ex|ch|vw|vh|%|in|cm|mm)?$")
_POINTS = {"px": 0.75, "pt": 1.0, "em": 12.0, "rem": 12.0, "in": 72.0, "cm": 28.3, "mm": 2.83}
# Of the window, for places; of the type around it, for sizes.
_OF_WINDOW, _OF_TYPE = {"vw": 7.2, "vh": 7.2, "%": 7.2}, {"%": 0.12}
_FAR_POINTS, _FAR_RIGHT_POINTS = -700.0, 3_000.0
_FAINT = 0.05
_NOTE = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ESCAPE = re.compile(r"\\([0-9a-f]{1,6})\s?|\\(.)", re.IGNORECASE)
_IMPORTANT = re.compile(r"\s*!\s*important\b")
_NO_SCALE = re.compile(r"scale(?:x|y|3d)?\(\s*(?:0?\.)?0+\s*[,)]")
_MOVED = re.compile(r"translate(?:x|y|3d)?\(([^)]*)\)")
_FILTERED = re.compile(r"opacity\(\s*([\d.]+%?)\s*\)")
_NO_SHAPE = re.compile(r"rect\((?:[01](?:px)?,?){4}\)|inset\((?:50|100)%\)|(?:circle|ellipse)\(0")
_POLYGON = re.compile(r"polygon\(([^)]*)\)")


def declarations(style: str) -> dict[str, str]:
    """`a: b; c: d` as a mapping, names and values in lower case."""
    return {name: _IMPORTANT.sub("", value) for name, value in _said(style)} | important(style)


def important(style: str) -> dict[str, str]:
    """Those of them that rule over all others."""
    if "!" not in style:
        return {}
    return {n: _IMPORTANT.sub("", v) for n, v in _said(style) if _IMPORTANT.search(v)}


def _said(style: str) -> Iterator[tuple[str, str]]:
    if "\\" in style or "/*" in style:
        style = _ESCAPE.sub(_unescaped, _NOTE.sub("", style))
    for part in style.split(";"):
        name, colon, value = part.partition(":")
        if colon:
            yield name.strip().lower(), value.strip().lower()


def _unescaped(match: re.Match[str]) -> str:
    number = int(match[1], 16) if match[1] else 0
    return chr(number) if 0 < number <= 0x10FFFF else match[2] or ""


def hides(style: Mapping[str, str]) -> HiddenKind | None:
    """Whether an element of this style shows nothing, wherever it stands."""
    if style.get("display") == "none" or style.get("visibility") in ("hidden", "collapse"):
        return HiddenKind.INVISIBLE
    if style.get("content-visibility") == "hidden" or _is_faint(style):
        return HiddenKind.INVISIBLE
    if _NO_SCALE.search(style.get("transform", "")):
        return HiddenKind.INVISIBLE
    size = _points(style.get("font-size") or _size_of(style.get("font", "")), _OF_TYPE)
    if size is not None and size < 1.0:
        return HiddenKind.TINY
    if _is_away(style) or _is_clipped(style):
        return HiddenKind.OFF_PAGE
    sides = ("width", "height", "max-height", "max-width")
    if _is_cut(style) and any(_is_nothing(style.get(side)) for side in sides):
        return HiddenKind.COVERED
    return None


def _is_faint(style: Mapping[str, str]) -> bool:
    filtered = _FILTERED.search(style.get("filter", ""))
    shares = (style.get("opacity"), filtered[1] if filtered else None)
    return any(_share(share) < _FAINT for share in shares)


def _is_away(style: Mapping[str, str]) -> bool:
    if style.get("position") in ("absolute", "fixed", "relative"):
        places = [style.get(side, "") for side in ("left", "top", "right", "bottom")]
        places += style.get("inset", "").split()
        if any(_far(place) for place in places):
            return True
        if (_points(style.get("left")) or 0) >= _FAR_RIGHT_POINTS:
            return True
    moved = _MOVED.search(style.get("transform", ""))
    if moved and any(_far(part.strip(), {}) for part in moved[1].split(",")):
        return True
    if _is_cut(style) and (_points(style.get("text-indent"), _OF_WINDOW) or 0) >= -_FAR_POINTS:
        return True
    # Layouts of columns have margins of -100 %.
    margins = (style.get("margin-left"), style.get("margin-top"))
    return _far(style.get("text-indent")) or any(_far(margin, {}) for margin in margins)


def _is_clipped(style: Mapping[str, str]) -> bool:
    clip = style.get("clip", "") + style.get("clip-path", "")
    if _NO_SHAPE.search(clip.replace(" ", "")):
        return True
    polygon = _POLYGON.search(clip)
    corners = [" ".join(corner.split()) for corner in polygon[1].split(",")] if polygon else []
    return len(corners) > 1 and len(set(corners)) == 1


def _is_cut(style: Mapping[str, str]) -> bool:
    values = (style.get(name, "") for name in ("overflow", "overflow-x", "overflow-y"))
    return any("hidden" in value or "clip" in value for value in values)


@dataclass(frozen=True, slots=True)
class Paint:
    """The colour of text and of what lies below it; None when that cannot be told."""

    text: Rgb | None = BLACK
    ground: Rgb | None = WHITE
    opacity: float = 1.0

    def with_style(self, style: Mapping[str, str]) -> "Paint":
        ink = style.get("-webkit-text-fill-color") or style.get("color")
        text, opacity = css_colour(ink) if ink is not None else (self.text, self.opacity)
        said = style.get("background-color") or style.get("background") or ""
        if "text" in style.get("background-clip", style.get("-webkit-background-clip", "")):
            # The letters themselves show the ground.
            return Paint(None, self.ground)
        ground = self.ground
        if "url(" in said + style.get("background-image", "") or "gradient" in said:
            ground = None
        elif said.startswith("currentcolor"):
            ground = text
        elif said:
            colour, ground_opacity = css_colour(said.split(" ")[0] if "(" not in said else said)
            if ground_opacity == 1.0:
                ground = colour
            elif ground_opacity > 0:
                ground = None
        return Paint(text, ground, opacity)

    @property
    def hides_text(self) -> bool:
        if self.opacity < _FAINT:
            return True
        return self.text is not None and self.ground is not None and alike(self.text, self.ground)


def _points(value: str | None, shares: Mapping[str, float] = _POINTS) -> float | None:
    match = _LENGTH.match(value or "")
    if match is None:
        return None
    unit = match[2] or "px"
    try:
        return float(match[1]) * (_POINTS.get(unit) or shares.get(unit, 1.0))
    except ValueError:
        return None


def _size_of(font: str) -> str | None:
    found = re.search(r"(?:^|\s)([\d.]+(?:px|pt|em|rem|%)|0(?:\.0*)?)(?=/|\s|$)", font)
    return found[1] if found else None


def _far(value: str | None, shares: Mapping[str, float] = _OF_WINDOW) -> bool:
    points = _points(value, shares)
    return points is not None and points <= _FAR_POINTS


def _is_nothing(value: str | None) -> bool:
    points = _points(value)
    return points is not None and points <= 0.75


def _share(value: str | None) -> float:
    try:
        return float((value or "1").rstrip("%")) / (100 if (value or "").endswith("%") else 1)
    except ValueError:
        return 1.0
