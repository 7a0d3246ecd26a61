"""Slides, shapes and texts of a presentation that its viewers do not see."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lxml import etree

from adapters.docling.colours import WHITE, Rgb, alike, office_colour
from adapters.docling.metadata import speaking
from adapters.docling.office_parts import A, OfficeParts, P, R, metadata_fields
from adapters.docling.slide_places import GROUP, PICTURE, Place, box_on_slide, covers
from domain.documents.structure import HiddenKind, HiddenText

_SHAPES = (f"{P}sp", f"{P}graphicFrame", f"{P}cxnSp", GROUP)
_RUNS = (f"{A}r", f"{A}fld")
_FILLS = tuple(f"{A}{kind}Fill" for kind in ("solid", "no", "grad", "blip", "patt"))
_PAPER = ("bg1", "lt1")
_P15 = "{http://schemas.microsoft.com/office/powerpoint/2018/8/main}"


@dataclass(slots=True)
class ShownSlides:
    """`unseen_slides` are the numbers, from 1, of slides that are skipped in a show."""

    content: bytes
    hidden: list[HiddenText] = field(default_factory=list)
    unseen_slides: frozenset[int] = frozenset()


def shown_slides(content: bytes) -> ShownSlides:
    """The presentation with what cannot be seen taken out."""
    parts = OfficeParts(content)
    presentation = parts.xml(parts.main)
    shown = ShownSlides(content)
    unseen: set[int] = set()
    for number, name in enumerate(_slides(parts, presentation), start=1):
        root = parts.xml(name)
        if root is None:
            continue
        if root.get("show") in ("0", "false"):
            unseen.add(number)
            _tell(shown.hidden, HiddenKind.INVISIBLE, root, number)
        elif _Slide(parts, name, root, _size(presentation), number).clean(shown.hidden):
            parts.change(name, root)
        for notes in parts.related(name, "/notesSlide")[:1]:
            said = parts.xml(notes)
            if said is not None and _clean_runs(said, WHITE, number, shown.hidden):
                parts.change(notes, said)
        shown.hidden += _comments(parts, name, number)
    shown.hidden += speaking(metadata_fields(parts))
    shown.content, shown.unseen_slides = parts.content, frozenset(unseen)
    return shown


def _slides(parts: OfficeParts, presentation: etree._Element | None) -> list[str]:
    targets = parts.targets(parts.main)
    shown = () if presentation is None else presentation.iter(f"{P}sldId")
    return [targets.get(slide.get(f"{R}id") or "", "") for slide in shown]


def _size(presentation: etree._Element | None) -> tuple[int, int]:
    size = None if presentation is None else presentation.find(f"{P}sldSz")
    if size is None:
        return 9_144_000, 6_858_000
    return int(size.get("cx") or 9_144_000), int(size.get("cy") or 6_858_000)


@dataclass(slots=True)
class _Slide:
    parts: OfficeParts
    name: str
    root: etree._Element
    size: tuple[int, int]
    number: int

    def clean(self, found: list[HiddenText]) -> bool:
        changed = False
        ground = self._ground()
        shapes = list(self.root.iter(*_SHAPES, PICTURE))
        above = covers(shapes, self.parts.targets(self.name))
        for number, shape in enumerate(shapes):
            kind = self._unseen_shape(shape, [place for n, place in above if n > number])
            if kind is not None and _tell(found, kind, shape, self.number):
                _blank(shape)
                changed = True
            elif shape.tag != GROUP:
                below = None if ground is None else _fill(shape, ground)
                changed = _clean_runs(shape, below, self.number, found) or changed
        return changed

    def _unseen_shape(self, shape: etree._Element, above: Sequence[Place]) -> HiddenKind | None:
        properties = next(shape.iter(f"{P}cNvPr"), None)
        if properties is not None and properties.get("hidden") in ("1", "true"):
            return HiddenKind.INVISIBLE
        place = box_on_slide(shape)
        if place is None:
            return None
        across, down = self.size
        if place.x >= across or place.y >= down or place.right < 0 or place.bottom < 0:
            return HiddenKind.OFF_PAGE
        is_below = any(over.holds(place) for over in above)
        return HiddenKind.COVERED if is_below and shape.tag != GROUP else None

    def _ground(self) -> Rgb | None:
        """The slide's colour; None when a picture, a shape or a theme decides it."""
        chain = [self.name]
        chain += self.parts.related(self.name, "/slideLayout")[:1]
        chain += self.parts.related(chain[-1], "/slideMaster")[:1] if len(chain) > 1 else []
        for name in chain:
            root = self.root if name == self.name else self.parts.kept(name)
            if root is None:
                continue
            if next(root.iter(f"{P}pic"), None) is not None or _has_fills(root):
                return None
        for name in chain:
            root = self.root if name == self.name else self.parts.kept(name)
            ground = None if root is None else root.find(f"{P}cSld/{P}bg")
            if ground is not None:
                return _colour(ground)
        return WHITE


def _has_fills(root: etree._Element) -> bool:
    """Whether a shape other than the text's own is filled, and may lie below it."""
    for shape in root.iter(f"{P}sp"):
        properties = shape.find(f"{P}spPr")
        has_text = any((t.text or "").strip() for t in shape.iter(f"{A}t"))
        styled = shape.find(f"{P}style/{A}fillRef")
        is_filled = properties is not None and any(
            properties.find(f"{A}{kind}") is not None
            for kind in ("solidFill", "gradFill", "blipFill", "pattFill")
        )
        by_style = styled is not None and styled.get("idx") not in (None, "0")
        if (is_filled or by_style) and not has_text:
            return True
    return False


def _fill(shape: etree._Element, ground: Rgb) -> Rgb | None:
    properties = shape.find(f"{P}spPr")
    if shape.tag == f"{P}graphicFrame" or properties is None:
        return None
    if properties.find(f"{A}solidFill") is not None:
        return _colour(properties.find(f"{A}solidFill"))
    if properties.find(f"{A}noFill") is not None:
        return ground
    others = ("gradFill", "blipFill", "pattFill", "grpFill")
    styled = shape.find(f"{P}style/{A}fillRef")
    if any(properties.find(f"{A}{kind}") is not None for kind in others):
        return None
    return ground if styled is None or styled.get("idx") == "0" else None


def _colour(parent: etree._Element | None) -> Rgb | None:
    if parent is None:
        return None
    plain = next(parent.iter(f"{A}srgbClr"), None)
    themed = next(parent.iter(f"{A}schemeClr"), None)
    if next(parent.iter(f"{A}gradFill", f"{A}blipFill"), None) is not None:
        return None
    if plain is not None:
        return office_colour(plain.get("val")) if not len(plain) else None
    is_paper = themed is not None and themed.get("val") in _PAPER
    return WHITE if is_paper and themed is not None and not len(themed) else None


def _clean_runs(
    root: etree._Element, below: Rgb | None, page: int, found: list[HiddenText]
) -> bool:
    changed = False
    for run in root.iter(*_RUNS):
        kind = _unseen_run(run, below)
        if kind is not None and _tell(found, kind, run, page):
            _blank(run)
            changed = True
    return changed


def _unseen_run(run: etree._Element, below: Rgb | None) -> HiddenKind | None:
    looks = [look for look in (run.find(f"{A}rPr"), _look_of_level(run)) if look is not None]
    size = next((look.get("sz") for look in looks if look.get("sz")), "") or ""
    if re.fullmatch(r"\d+", size) and int(size) < 100:
        return HiddenKind.TINY
    fills = (fill for look in looks for fill in look.iterchildren(*_FILLS))
    fill = next(fills, None)
    if fill is None or fill.tag == f"{A}noFill":
        return None if fill is None else HiddenKind.INVISIBLE
    if any(int(alpha.get("val") or 100_000) < 5_000 for alpha in fill.iter(f"{A}alpha")):
        return HiddenKind.INVISIBLE
    colour = _colour(fill)
    is_same = colour is not None and below is not None and alike(colour, below)
    return HiddenKind.WHITE if is_same else None


def _look_of_level(run: etree._Element) -> etree._Element | None:
    """What the shape's own list of styles says of paragraphs of this level."""
    paragraph = run.getparent()
    body = None if paragraph is None else paragraph.getparent()
    if paragraph is None or body is None:
        return None
    properties = paragraph.find(f"{A}pPr")
    level = "0" if properties is None else properties.get("lvl") or "0"
    if not re.fullmatch(r"[0-8]", level):
        return None
    return body.find(f"{A}lstStyle/{A}lvl{int(level) + 1}pPr/{A}defRPr")


def _tell(found: list[HiddenText], kind: HiddenKind, element: etree._Element, page: int) -> bool:
    lines = ("".join(t.text or "" for t in p.iter(f"{A}t")) for p in element.iter(f"{A}p"))
    text = "\n".join(line for line in lines if line.strip())
    if element.tag in _RUNS:
        text = "".join(t.text or "" for t in element.iter(f"{A}t"))
    if not text.strip():
        return False
    found.append(HiddenText(text=text, kind=kind, page=page))
    return True


def _blank(element: etree._Element) -> None:
    for text in element.iter(f"{A}t"):
        text.text = ""


def _comments(parts: OfficeParts, slide: str, number: int) -> list[HiddenText]:
    texts = []
    for name in parts.related(slide, "/comments"):
        root = parts.xml(name)
        if root is None:
            continue
        texts += [text.text or "" for text in root.iter(f"{P}text")]
        for comment in root.iter(f"{_P15}cm", f"{_P15}reply"):
            texts.append("".join(t.text or "" for t in comment.iter(f"{A}t")))
    return [
        HiddenText(text=text, kind=HiddenKind.COMMENT, page=number)
        for text in texts
        if text.strip()
    ]
