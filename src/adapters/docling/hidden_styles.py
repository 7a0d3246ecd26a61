"""How CSS declarations hide an element's text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.docling.colours import BLACK, WHITE, Rgb, alike, css_colour
from domain.documents.structure import HiddenKind

_LENGTH = re.compile(r"^(-?[\d.]+)\s*(px|pt|em|rem|ex|ch|vw|vh|%|in|cm|mm)?$")
_POINTS = {"px": 0.75, "pt": 1.0, "em": 12.0, "rem": 12.0, "in": 72.0, "cm": 28.3, "mm": 2.83}
_FAR_POINTS = -700.0
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SIMPLE = re.compile(r"^([a-z][a-z0-9]*)?((?:[.#][\w-]+)*)$", re.IGNORECASE)
_MAX_RULES = 5_000


def declarations(style: str) -> dict[str, str]:
    """`a: b; c: d` as a mapping, names and values in lower case."""
    found = {}
    for part in style.split(";"):
        name, colon, value = part.partition(":")
        if colon:
            found[name.strip().lower()] = value.replace("!important", "").strip().lower()
    return found


def hides(style: Mapping[str, str]) -> HiddenKind | None:
    """Whether an element of this style shows nothing, wherever it stands."""
    if style.get("display") == "none" or style.get("visibility") in ("hidden", "collapse"):
        return HiddenKind.INVISIBLE
    if _number(style.get("opacity"), 1.0) < 0.05:
        return HiddenKind.INVISIBLE
    if "scale(0" in style.get("transform", "").replace(" ", "").replace("scale(0.", "("):
        return HiddenKind.INVISIBLE
    size = _points(style.get("font-size") or _size_of(style.get("font", "")))
    if size is not None and size < 1.0:
        return HiddenKind.TINY
    is_placed = style.get("position") in ("absolute", "fixed")
    if is_placed and any(_far(style.get(side)) for side in ("left", "top", "right", "bottom")):
        return HiddenKind.OFF_PAGE
    if any(_far(style.get(name)) for name in ("text-indent", "margin-left", "margin-top")):
        return HiddenKind.OFF_PAGE
    clip = (style.get("clip", "") + style.get("clip-path", "")).replace(" ", "")
    if re.search(r"rect\((?:[01](?:px)?,?){4}\)|inset\((?:50|100)%\)", clip):
        return HiddenKind.OFF_PAGE
    is_cut = "hidden" in style.get("overflow", "") or "clip" in style.get("overflow", "")
    sides = ("width", "height", "max-height", "max-width")
    if is_cut and any(_is_nothing(style.get(side)) for side in sides):
        return HiddenKind.COVERED
    return None


@dataclass(frozen=True, slots=True)
class Paint:
    """The colour of text and of what lies below it; None when that cannot be told."""

    text: Rgb | None = BLACK
    ground: Rgb | None = WHITE
    opacity: float = 1.0

    def with_style(self, style: Mapping[str, str]) -> "Paint":
        text, opacity = (
            css_colour(style["color"]) if "color" in style else (self.text, self.opacity)
        )
        ground = self.ground
        said = style.get("background-color") or style.get("background")
        if "url(" in (said or "") + style.get("background-image", "") or "gradient" in (said or ""):
            ground = None
        elif said:
            colour, ground_opacity = css_colour(said.split(" ")[0] if "(" not in said else said)
            if ground_opacity == 1.0:
                ground = colour
            elif ground_opacity > 0:
                ground = None
        return Paint(text, ground, opacity)

    @property
    def hides_text(self) -> bool:
        if self.opacity < 0.05:
            return True
        return self.text is not None and self.ground is not None and alike(self.text, self.ground)


class StyleSheet:
    """The rules of a page's own `<style>` for single elements: a tag, a class, a name."""

    def __init__(self, css: str) -> None:
        self._rules: dict[str, list[tuple[frozenset[str], dict[str, str]]]] = {}
        plain = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
        # What holds for paper or for small screens only is left out with its braces.
        plain = re.sub(r"@[^{;]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}|@[^{;]*;", "", plain)
        for count, rule in enumerate(_RULE.finditer(plain)):
            if count >= _MAX_RULES:
                break
            self._add(rule[1], declarations(rule[2]))

    def _add(self, selectors: str, style: dict[str, str]) -> None:
        for selector in selectors.split(","):
            simple = _SIMPLE.match(selector.strip())
            if simple is None or not simple[0]:
                continue
            marks = frozenset(re.findall(r"[.#][\w-]+", simple[2]))
            tag = (simple[1] or "").lower()
            key = min(marks) if marks else tag
            needed = marks | ({tag} if tag else set())
            self._rules.setdefault(key, []).append((needed, style))

    def style_of(self, tag: str, classes: str, name: str) -> dict[str, str]:
        """All that the sheet says of such an element, later rules over earlier ones."""
        own = {tag} | {f".{word}" for word in classes.split()} | ({f"#{name}"} if name else set())
        found: dict[str, str] = {}
        for key in own:
            for needed, style in self._rules.get(key, ()):
                if needed <= own:
                    found |= style
        return found


def _points(value: str | None) -> float | None:
    match = _LENGTH.match(value or "")
    if match is None:
        return None
    try:
        return float(match[1]) * _POINTS.get(match[2] or "px", 1.0)
    except ValueError:
        return None


def _size_of(font: str) -> str | None:
    found = re.search(r"(?:^|\s)([\d.]+(?:px|pt|em|rem))(?:/|\s|$)", font)
    return found[1] if found else None


def _far(value: str | None) -> bool:
    points = _points(value)
    return points is not None and points <= _FAR_POINTS


def _is_nothing(value: str | None) -> bool:
    points = _points(value)
    return points is not None and points <= 0.75


def _number(value: str | None, otherwise: float) -> float:
    try:
        return float(value) if value else otherwise
    except ValueError:
        return otherwise
