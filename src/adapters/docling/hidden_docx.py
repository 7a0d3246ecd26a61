"""Text of a Word document that its readers do not see, and what its reviewers said of it."""

from dataclasses import dataclass, replace

from lxml import etree

from adapters.docling.colours import WHITE, Rgb, alike, office_colour
from adapters.docling.metadata import speaking
from adapters.docling.office_parts import OfficeParts, W, metadata_fields
from domain.documents.structure import HiddenKind, HiddenText

_STORIES = ("header", "footer", "footnotes", "endnotes")
_GONE = (f"{W}del", f"{W}moveFrom")
_CAME = (f"{W}ins", f"{W}moveTo")
_MAX_BASES = 20
_W14 = "{http://schemas.microsoft.com/office/word/2010/wordml}"
_CLEAR, _FLAT_PERCENT = 95_000, 10
# Automatic: whatever can be read on its ground.
_READABLE: Rgb = (-99, -99, -99)
_HIGHLIGHTS: dict[str, Rgb] = {
    "yellow": (255, 255, 0),
    "green": (0, 255, 0),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255),
    "blue": (0, 0, 255),
    "red": (255, 0, 0),
    "darkBlue": (0, 0, 128),
    "darkCyan": (0, 128, 128),
    "darkGreen": (0, 128, 0),
    "darkMagenta": (128, 0, 128),
    "darkRed": (128, 0, 0),
    "darkYellow": (128, 128, 0),
    "darkGray": (128, 128, 128),
    "lightGray": (192, 192, 192),
    "black": (0, 0, 0),
}
_TEXT_BOX = f"{W}txbxContent"


@dataclass(frozen=True, slots=True)
class _Look:
    """What a run or style says of itself; None where it says nothing."""

    vanish: bool | None = None
    colour: Rgb | None = None
    ground: Rgb | None = None
    half_points: float | None = None

    def over(self, below: "_Look") -> "_Look":
        return _Look(
            below.vanish if self.vanish is None else self.vanish,
            self.colour or below.colour,
            self.ground or below.ground,
            below.half_points if self.half_points is None else self.half_points,
        )


def hidden_in_document(parts: OfficeParts) -> list[HiddenText]:
    """Take what is hidden out of the parts, and return it; all changes are accepted."""
    main = parts.main
    styles = _Styles(parts.first(main, "/styles"))
    found: list[HiddenText] = []
    paper: Rgb | None = WHITE
    for name in (main, *(n for kind in _STORIES for n in parts.related(main, f"/{kind}"))):
        root = parts.kept(name)
        if root is None:
            continue
        paper = _paper(root, parts.first(main, "/settings")) if name == main else paper
        if _clean(root, styles, paper, found):
            parts.change(name, root)
    for name in parts.related(main, "/comments"):
        found += _comments(parts.xml(name))
    return found + speaking(metadata_fields(parts))


def _paper(document: etree._Element, settings: etree._Element | None) -> Rgb | None:
    """The colour of the pages; None where a picture lies on them."""
    ground = document.find(f"{W}background")
    shows = settings is not None and settings.find(f"{W}displayBackgroundShape") is not None
    if ground is None or not shows:
        return WHITE
    return None if len(ground) else office_colour(ground.get(f"{W}color"))


def _clean(
    root: etree._Element, styles: "_Styles", paper: Rgb | None, found: list[HiddenText]
) -> bool:
    changed = False
    for element in list(root.iter(*_GONE)):
        _tell(found, HiddenKind.INVISIBLE, element, fresh=True)
        _drop(element)
        changed = True
    for element in list(root.iter(*_CAME)):
        changed = _unwrap(element) or changed
    last: etree._Element | None = None
    for run in list(root.iter(f"{W}r")):
        kind = _kind(run, styles, paper)
        if kind is not None and _text(run):
            _tell(found, kind, run, fresh=last is None or last.getparent() is not run.getparent())
            for text in list(run.iter(f"{W}t")):
                text.text = ""
            changed, last = True, run
        elif _text(run).strip():
            last = None
    return changed


def _tell(
    found: list[HiddenText], kind: HiddenKind, element: etree._Element, *, fresh: bool
) -> None:
    text = _text(element)
    if not text.strip():
        return
    if not fresh and found and found[-1].kind is kind:
        found[-1] = replace(found[-1], text=found[-1].text + text)
    else:
        found.append(HiddenText(text=text, kind=kind))


def _kind(run: etree._Element, styles: "_Styles", paper: Rgb | None) -> HiddenKind | None:
    look = styles.look_of(run)
    if look.vanish:
        return HiddenKind.INVISIBLE
    if look.half_points is not None and look.half_points < 2:
        return HiddenKind.TINY
    if look.colour is not None:
        ground = look.ground or _ground_around(run, paper)
        if ground is not None and alike(look.colour, ground):
            return HiddenKind.WHITE
    return None


def _ground_around(run: etree._Element, paper: Rgb | None) -> Rgb | None:
    """The colour of the paper, the cell or the paragraph; None where it cannot be told."""
    for parent in run.iterancestors():
        if parent.tag == f"{W}p":
            colour = _shade(parent.find(f"{W}pPr"))
        elif parent.tag == f"{W}tc":
            colour = _shade(parent.find(f"{W}tcPr"))
        elif parent.tag == f"{W}tbl":
            colour = _shade(parent.find(f"{W}tblPr"))
            if colour is None and _is_styled(parent):
                return None
        elif parent.tag == _TEXT_BOX:
            return None
        else:
            continue
        if colour is not None:
            return colour
    return paper


def _is_styled(table: etree._Element) -> bool:
    style = table.find(f"{W}tblPr/{W}tblStyle")
    return style is not None and style.get(f"{W}val") not in ("TableGrid", "TableNormal")


class _Styles:
    """The looks that styles give, with those they are based on."""

    def __init__(self, root: etree._Element | None) -> None:
        self._styles = (
            {}
            if root is None
            else {style.get(f"{W}styleId") or "": style for style in root.iter(f"{W}style")}
        )
        self._looks: dict[str, _Look] = {}
        # What holds for runs and paragraphs that name no style.
        self._usual = next(
            (name for name, style in self._styles.items() if _is_usual_paragraph(style)), ""
        )
        defaults = None if root is None else root.find(f"{W}docDefaults/{W}rPrDefault/{W}rPr")
        self._defaults = _look(defaults)

    def look_of(self, run: etree._Element) -> _Look:
        own = run.find(f"{W}rPr")
        look = _look(own)
        look = look.over(self._named(_value(own, "rStyle")))
        paragraph = next(run.iterancestors(f"{W}p"), None)
        if paragraph is not None:
            named = _value(paragraph.find(f"{W}pPr"), "pStyle")
            look = look.over(self._named(named or self._usual))
        return look.over(self._defaults)

    def _named(self, name: str, depth: int = 0) -> _Look:
        known = self._looks.get(name)
        if known is not None:
            return known
        style = self._styles.get(name)
        if style is None or depth > _MAX_BASES:
            return _Look()
        look = _look(style.find(f"{W}rPr"))
        look = replace(look, ground=look.ground or _shade(style.find(f"{W}pPr")))
        look = look.over(self._named(_value(style, "basedOn"), depth + 1))
        self._looks[name] = look
        return look


def _is_usual_paragraph(style: etree._Element) -> bool:
    return style.get(f"{W}type") == "paragraph" and style.get(f"{W}default") in ("1", "true")


def _look(properties: etree._Element | None) -> _Look:
    if properties is None:
        return _Look()
    vanish = properties.find(f"{W}vanish")
    painted, is_clear = _filled(properties.find(f"{_W14}textFill"))
    width = _number(_value(properties, "w"))
    is_flat = width is not None and width < _FLAT_PERCENT
    return _Look(
        True if is_clear else None if vanish is None else _is_on(vanish),
        painted or _inked(properties.find(f"{W}color")),
        _HIGHLIGHTS.get(_value(properties, "highlight")) or _shade(properties),
        0 if is_flat else _number(_value(properties, "sz")),
    )


def _is_on(toggle: etree._Element) -> bool:
    return toggle.get(f"{W}val") not in ("0", "false", "off")


def _inked(colour: etree._Element | None) -> Rgb | None:
    if colour is None:
        return None
    is_paper = colour.get(f"{W}themeColor") in ("background1", "light1")
    if is_paper and colour.get(f"{W}themeShade") is None:
        return WHITE
    return _READABLE if colour.get(f"{W}val") == "auto" else office_colour(colour.get(f"{W}val"))


def _filled(fill: etree._Element | None) -> tuple[Rgb | None, bool]:
    """The colour of letters that are drawn as shapes, and whether they are see-through."""
    if fill is None:
        return None, False
    if fill.find(f"{_W14}noFill") is not None:
        return None, True
    alphas = (_number(alpha.get(f"{_W14}val") or "") for alpha in fill.iter(f"{_W14}alpha"))
    plain = fill.find(f"{_W14}solidFill/{_W14}srgbClr")
    colour = None if plain is None else office_colour(plain.get(f"{_W14}val"))
    # What it counts is how much is missing of the colour.
    return colour, any((alpha or 0) > _CLEAR for alpha in alphas)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _shade(properties: etree._Element | None) -> Rgb | None:
    shade = None if properties is None else properties.find(f"{W}shd")
    return None if shade is None else office_colour(shade.get(f"{W}fill"))


def _value(parent: etree._Element | None, name: str) -> str:
    child = None if parent is None else parent.find(f"{W}{name}")
    return "" if child is None else child.get(f"{W}val") or ""


def _comments(root: etree._Element | None) -> list[HiddenText]:
    if root is None:
        return []
    texts = (
        "\n".join(filter(None, (_text(p) for p in comment.iter(f"{W}p"))))
        for comment in root.iter(f"{W}comment")
    )
    return [HiddenText(text=text, kind=HiddenKind.COMMENT) for text in texts if text.strip()]


def _text(element: etree._Element) -> str:
    return "".join(
        (e.text or "") if e.tag in (f"{W}t", f"{W}delText") else " "
        for e in element.iter(f"{W}t", f"{W}delText", f"{W}tab", f"{W}br")
    )


def _drop(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _unwrap(element: etree._Element) -> bool:
    parent = element.getparent()
    if parent is None or not len(element):
        return False
    place = parent.index(element)
    for child in reversed(list(element)):
        parent.insert(place, child)
    parent.remove(element)
    return True
