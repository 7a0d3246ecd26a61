"""Where things stand on a page as it is shown, and the shapes that its paths make."""

from dataclasses import dataclass
from itertools import pairwise

from adapters.docling.pdf_geometry import Box

STRAIGHT_POINTS = 0.6
_LINE, _MOVE = 0, 2

Transform = tuple[float, float, float, float, float, float]
IDENTITY: Transform = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class PageSpace:
    """From a page's own coordinates to points from the top left of the page as it is shown."""

    left: float
    bottom: float
    right: float
    top: float
    quarter_turns: int

    @property
    def size(self) -> tuple[float, float]:
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.quarter_turns % 2 else (width, height)

    def point(self, x: float, y: float) -> tuple[float, float]:
        match self.quarter_turns:
            case 1:
                return y - self.bottom, x - self.left
            case 2:
                return self.right - x, y - self.bottom
            case 3:
                return self.top - y, self.right - x
            case _:
                return x - self.left, self.top - y

    def direction(self, x: float, y: float) -> tuple[float, float]:
        match self.quarter_turns:
            case 1:
                return y, x
            case 2:
                return -x, y
            case 3:
                return -y, -x
            case _:
                return x, -y


def straight(points: list[tuple[float, float, int]]) -> list[Box]:
    """Upright and level strokes of a path."""
    rules = []
    for (x1, y1, _), (x2, y2, kind) in pairwise(points):
        level = abs(y1 - y2) <= STRAIGHT_POINTS
        upright = abs(x1 - x2) <= STRAIGHT_POINTS
        if kind == _LINE and level != upright:
            rules.append(Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))
    first = points[0] if points else None
    if first is not None and 4 <= len(points) <= 5 and len(rules) == 3:
        x1, y1, _ = points[-1]
        x2, y2, _ = first
        rules.append(Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))
    return rules


def is_rectangle(points: list[tuple[float, float, int]]) -> bool:
    if not 4 <= len(points) <= 6 or any(kind not in (_LINE, _MOVE) for _, _, kind in points):
        return False
    xs, ys = [x for x, _, _ in points], [y for _, y, _ in points]
    return all(
        min(abs(x - min(xs)), abs(x - max(xs))) < STRAIGHT_POINTS
        and min(abs(y - min(ys)), abs(y - max(ys))) < STRAIGHT_POINTS
        for x, y, _ in points
    )


def combined(inner: Transform, outer: Transform) -> Transform:
    if outer is IDENTITY:
        return inner
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return (
        a * p + b * r,
        a * q + b * s,
        c * p + d * r,
        c * q + d * s,
        e * p + f * r + t,
        e * q + f * s + u,
    )


def applied(transform: Transform, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = transform
    return a * x + c * y + e, b * x + d * y + f


def placed(points: tuple[tuple[float, float], ...], transform: Transform, space: PageSpace) -> Box:
    placed = [space.point(*applied(transform, x, y)) for x, y in points]
    xs, ys = [x for x, _ in placed], [y for _, y in placed]
    return Box(min(xs), min(ys), max(xs), max(ys))


def common(a: Box, b: Box) -> Box:
    left, top = max(a.left, b.left), max(a.top, b.top)
    return Box(left, top, max(left, min(a.right, b.right)), max(top, min(a.bottom, b.bottom)))


def shared(a: Box, b: Box) -> bool:
    """Whether the two have any part in common."""
    return min(a.right, b.right) > max(a.left, b.left) and (
        min(a.bottom, b.bottom) > max(a.top, b.top)
    )
