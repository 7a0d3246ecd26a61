"""Slides, shapes and texts of a presentation that its viewers do not see."""

import re
from dataclasses import dataclass, field

from lxml import etree

from adapters.docling.colours import WHITE, Rgb, alike, office_colour
from adapters.docling.metadata import speaking
from adapters.docling.office_parts import A, OfficeParts, P, R, metadata_fields
from domain.documents.structure import HiddenKind, HiddenText

_SHAPES = (f"{P}sp", f"{P}graphicFrame", f"{P}cxnSp")
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
    presentation = parts.xml("ppt/presentation.xml")
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
        shown.hidden += _comments(parts, name, number)
    shown.hidden += speaking(metadata_fields(parts))
    shown.content, shown.unseen_slides = parts.content, frozenset(unseen)
    return shown


def _slides(parts: OfficeParts, presentation: etree._Element | None) -> list[str]:
    links = parts.xml("ppt/_rels/presentation.xml.rels")
    if presentation is None or links is None:
        return []
    targets = {link.get("Id"): (link.get("Target") or "").removeprefix("/ppt/") for link in links}
    return [f"ppt/{targets.get(s.get(f'{R}id'), '')}" for s in presentation.iter(f"{P}sldId")]


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
        for shape in list(self.root.iter(*_SHAPES)):
            kind = self._unseen_shape(shape)
            if kind is not None and _tell(found, kind, shape, self.number):
                _blank(shape)
                changed = True
                continue
            below = None if ground is None else _fill(shape, ground)
            for run in shape.iter(f"{A}r"):
                kind = _unseen_run(run, below)
                if kind is not None and _tell(found, kind, run, self.number):
                    _blank(run)
                    changed = True
        return changed

    def _unseen_shape(self, shape: etree._Element) -> HiddenKind | None:
        properties = next(shape.iter(f"{P}cNvPr"), None)
        if properties is not None and properties.get("hidden") in ("1", "true"):
            return HiddenKind.INVISIBLE
        place = next(shape.iter(f"{A}xfrm", f"{P}xfrm"), None)
        is_grouped = next(shape.iterancestors(f"{P}grpSp"), None) is not None
        corner = None if place is None else place.find(f"{A}off")
        extent = None if place is None else place.find(f"{A}ext")
        if is_grouped or corner is None or extent is None:
            return None
        x, y = int(corner.get("x") or 0), int(corner.get("y") or 0)
        width, height = int(extent.get("cx") or 0), int(extent.get("cy") or 0)
        across, down = self.size
        is_off = x >= across or y >= down or x + width < 0 or y + height < 0
        return HiddenKind.OFF_PAGE if is_off else None

    def _ground(self) -> Rgb | None:
        """The slide's colour; None when a picture, a shape or a theme decides it."""
        chain = [self.name]
        chain += self.parts.related(self.name, "/slideLayout")[:1]
        chain += self.parts.related(chain[-1], "/slideMaster")[:1] if len(chain) > 1 else []
        for name in chain:
            root = self.root if name == self.name else self.parts.xml(name)
            if root is None:
                continue
            if next(root.iter(f"{P}pic"), None) is not None or _has_fills(root):
                return None
        for name in chain:
            root = self.root if name == self.name else self.parts.xml(name)
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


def _unseen_run(run: etree._Element, below: Rgb | None) -> HiddenKind | None:
    properties = run.find(f"{A}rPr")
    if properties is None:
        return None
    size = properties.get("sz") or ""
    if re.fullmatch(r"\d+", size) and int(size) < 100:
        return HiddenKind.TINY
    fill = properties.find(f"{A}solidFill")
    if fill is None:
        return HiddenKind.INVISIBLE if properties.find(f"{A}noFill") is not None else None
    if any(int(alpha.get("val") or 100_000) < 5_000 for alpha in fill.iter(f"{A}alpha")):
        return HiddenKind.INVISIBLE
    colour = _colour(fill)
    is_same = colour is not None and below is not None and alike(colour, below)
    return HiddenKind.WHITE if is_same else None


def _tell(found: list[HiddenText], kind: HiddenKind, element: etree._Element, page: int) -> bool:
    lines = ("".join(t.text or "" for t in p.iter(f"{A}t")) for p in element.iter(f"{A}p"))
    text = "\n".join(line for line in lines if line.strip())
    if element.tag == f"{A}r":
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
