"""Text of a Word document that its readers do not see, and what its reviewers said of it."""

from dataclasses import dataclass, replace

from lxml import etree

from adapters.docling.colours import WHITE, Rgb, alike, office_colour
from adapters.docling.metadata import speaking
from adapters.docling.office_parts import OfficeParts, W, metadata_fields
from domain.documents.structure import HiddenKind, HiddenText

_STORIES = ("document", "header", "footer", "footnotes", "endnotes")
_GONE = (f"{W}del", f"{W}moveFrom")
_CAME = (f"{W}ins", f"{W}moveTo")
_MAX_BASES = 20
_TEXT_BOX = f"{W}txbxContent"


@dataclass(frozen=True, slots=True)
class _Look:
    """What a run or style says of itself; None where it says nothing."""

    vanish: bool | None = None
    colour: Rgb | None = None
    ground: Rgb | None = None
    half_points: int | None = None

    def over(self, below: "_Look") -> "_Look":
        return _Look(
            below.vanish if self.vanish is None else self.vanish,
            self.colour or below.colour,
            self.ground or below.ground,
            below.half_points if self.half_points is None else self.half_points,
        )


def shown_document(content: bytes) -> tuple[bytes, list[HiddenText]]:
    """The document as it reads with all changes accepted, and what it hides."""
    parts = OfficeParts(content)
    styles = _Styles(parts.xml("word/styles.xml"))
    found: list[HiddenText] = []
    for name in parts.named("word/"):
        if not name.removeprefix("word/").startswith(_STORIES):
            continue
        root = parts.xml(name)
        if root is not None and _clean(root, styles, found):
            parts.change(name, root)
    for name in parts.named("word/", "comments"):
        found += _comments(parts.xml(name))
    return parts.content, found + speaking(metadata_fields(parts))


def _clean(root: etree._Element, styles: "_Styles", found: list[HiddenText]) -> bool:
    changed = False
    for element in list(root.iter(*_GONE)):
        _tell(found, HiddenKind.INVISIBLE, element, fresh=True)
        _drop(element)
        changed = True
    for element in list(root.iter(*_CAME)):
        changed = _unwrap(element) or changed
    last: etree._Element | None = None
    for run in list(root.iter(f"{W}r")):
        kind = _kind(run, styles)
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


def _kind(run: etree._Element, styles: "_Styles") -> HiddenKind | None:
    look = styles.look_of(run)
    if look.vanish:
        return HiddenKind.INVISIBLE
    if look.half_points is not None and look.half_points < 2:
        return HiddenKind.TINY
    if look.colour is not None:
        ground = look.ground or _ground_around(run)
        if ground is not None and alike(look.colour, ground):
            return HiddenKind.WHITE
    return None


def _ground_around(run: etree._Element) -> Rgb | None:
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
    return WHITE


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

    def look_of(self, run: etree._Element) -> _Look:
        own = run.find(f"{W}rPr")
        look = _look(own)
        look = look.over(self._named(_value(own, "rStyle")))
        paragraph = next(run.iterancestors(f"{W}p"), None)
        if paragraph is not None:
            look = look.over(self._named(_value(paragraph.find(f"{W}pPr"), "pStyle")))
        return look

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


def _look(properties: etree._Element | None) -> _Look:
    if properties is None:
        return _Look()
    colour = properties.find(f"{W}color")
    theme = "" if colour is None else colour.get(f"{W}themeColor") or ""
    size = _value(properties, "sz")
    vanish = properties.find(f"{W}vanish")
    highlight = _value(properties, "highlight")
    ground = _shade(properties)
    if highlight and highlight not in ("none", "white"):
        ground = ground or (1, 2, 3)
    said = None if colour is None else office_colour(colour.get(f"{W}val"))
    is_paper = theme in ("background1", "light1") and colour is not None
    return _Look(
        None if vanish is None else vanish.get(f"{W}val") not in ("0", "false", "off"),
        (WHITE if is_paper and colour.get(f"{W}themeShade") is None else said)
        if colour is not None
        else None,
        ground,
        int(size) if size.isdigit() else None,
    )


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
