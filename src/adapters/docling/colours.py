"""Colours as CSS and Office files write them."""

import re
from colorsys import hls_to_rgb
from functools import cache

from PIL import ImageColor

Rgb = tuple[int, int, int]
WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (0, 0, 0)
_ALIKE = 14
_NUMBERS = re.compile(
    r"^rgba?\(\s*([\d.]+%?)[\s,]+([\d.]+%?)[\s,]+([\d.]+%?)(?:[\s,/]+([\d.]+%?))?"
)
_HSL = re.compile(
    r"^hsla?\(\s*([\d.]+)(?:deg)?[\s,]+([\d.]+)%[\s,]+([\d.]+)%(?:[\s,/]+([\d.]+%?))?"
)


def css_colour(value: str) -> tuple[Rgb | None, float]:
    """The colour, None when it cannot be told, and its opacity from 0 to 1."""
    value = value.strip().lower()
    if value == "transparent":
        return WHITE, 0.0
    if value.startswith("#"):
        return _hex(value[1:])
    numbers = _NUMBERS.match(value)
    if numbers:
        red, green, blue = (_channel(numbers[i]) for i in (1, 2, 3))
        return (red, green, blue), _opacity(numbers[4])
    shades = _HSL.match(value)
    if shades:
        hue, depth, light = float(shades[1]) / 360, float(shades[2]) / 100, float(shades[3]) / 100
        red, green, blue = (round(part * 255) for part in hls_to_rgb(hue, light, depth))
        return (red, green, blue), _opacity(shades[4])
    return _named().get(value), 1.0


def office_colour(value: str | None) -> Rgb | None:
    """`FFFFFF`, or `FFFFFFFF` with its opacity first; None for `auto` and whatever else."""
    if not value or not re.fullmatch(r"[0-9a-fA-F]{6}|[0-9a-fA-F]{8}", value):
        return None
    return _hex(value[-6:])[0]


def alike(a: Rgb, b: Rgb) -> bool:
    """Whether nobody can read one on the other."""
    return all(abs(x - y) <= _ALIKE for x, y in zip(a, b, strict=True))


def _hex(digits: str) -> tuple[Rgb | None, float]:
    if not re.fullmatch(r"[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8}", digits.lower()):
        return None, 1.0
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue, *alpha = bytes.fromhex(digits)
    return (red, green, blue), (alpha[0] / 255 if alpha else 1.0)


def _channel(text: str) -> int:
    number = float(text.rstrip("%") or 0)
    return min(255, round(number * 2.55 if text.endswith("%") else number))


def _opacity(text: str | None) -> float:
    if not text:
        return 1.0
    return float(text.rstrip("%") or 0) / (100 if text.endswith("%") else 1)


@cache
def _named() -> dict[str, Rgb]:
    # A copy: the library replaces what it was asked for by a value of another form.
    return {name: ImageColor.getrgb(name)[:3] for name in list(ImageColor.colormap)}
