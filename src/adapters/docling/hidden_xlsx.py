"""Sheets, cells and comments of a workbook that its readers do not see."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lxml import etree

from adapters.docling.colours import WHITE, Rgb, alike, office_colour
from adapters.docling.metadata import speaking
from adapters.docling.office_parts import OfficeParts, R, S, metadata_fields
from adapters.docling.refusal import Refused
from adapters.docling.sheet_aside import cells_aside
from domain.documents.structure import HiddenKind, HiddenText

_THREADED = "{http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments}"
# Nothing, or blanks, for numbers of every sign and for text.
_SHOWS_NOTHING = re.compile(r'(?:(?:"\s*"|\s)*;){3}(?:"\s*"|\s)*')
_BARE_FORMULA = (b"</f></c>", b"</f><v/>", b"</f><v></v>", b"</f><v />")
_ASIDE = (b'hidden="1"', b'hidden="true"', b' ht="0', b' width="0')


@dataclass(slots=True)
class ShownWorkbook:
    """`unseen_sheets` are the numbers, from 1, of sheets that are not shown."""

    content: bytes
    hidden: list[HiddenText] = field(default_factory=list)
    unseen_sheets: frozenset[int] = frozenset()


def shown_workbook(content: bytes) -> ShownWorkbook:
    """The workbook without what cannot be seen; formulas without a result show themselves."""
    parts = OfficeParts(content)
    styles = _hiding_styles(parts.xml("xl/styles.xml"))
    words = _SharedWords(parts)
    found: list[HiddenText] = []
    unseen: set[int] = set()
    for number, (name, is_shown) in enumerate(_sheets(parts), start=1):
        data = parts.raw(name)
        needs_look = not is_shown or (styles and b's="' in data) or _needs_look(data)
        root = parts.xml(name) if needs_look else None
        if root is not None and not is_shown:
            unseen.add(number)
            found += _told((row.iter(f"{S}c") for row in root.iter(f"{S}row")), words, number)
        elif root is not None and _clean(root, styles, words, number, found):
            parts.change(name, root)
        found += _comments(parts, name, number)
    found += speaking(metadata_fields(parts))
    return ShownWorkbook(parts.content, found, frozenset(unseen))


class _SharedWords:
    """The texts that cells point to, read when the first cell asks."""

    def __init__(self, parts: OfficeParts) -> None:
        self._parts = parts
        self._texts: list[str] | None = None

    def of(self, cell: etree._Element) -> str:
        value = cell.findtext(f"{S}v") or ""
        if cell.get("t") == "inlineStr":
            return "".join(text.text or "" for text in cell.iter(f"{S}t"))
        if cell.get("t") != "s":
            return value
        if self._texts is None:
            tables = self._parts.typed("sharedStrings+xml")
            root = self._parts.xml(tables[0]) if tables else None
            items = [] if root is None else root.findall(f"{S}si")
            self._texts = ["".join(t.text or "" for t in item.iter(f"{S}t")) for item in items]
        place = int(value) if value.isdigit() else -1
        return self._texts[place] if 0 <= place < len(self._texts) else ""


def _sheets(parts: OfficeParts) -> list[tuple[str, bool]]:
    """The part of each sheet in the order of the tabs, and whether it is shown.

    Raises Refused: which of several workbooks is read would be the reader's to choose.
    """
    # By its type, as docling finds it: the name is anybody's choice.
    books = parts.typed("main+xml") or ["xl/workbook.xml"]
    if len(books) > 1:
        raise Refused("the file holds more than one workbook; send them one by one")
    workbook, targets = parts.xml(books[0]), parts.targets(books[0])
    return [
        (targets.get(sheet.get(f"{R}id") or "", ""), sheet.get("state", "visible") == "visible")
        for sheet in (() if workbook is None else workbook.iter(f"{S}sheet"))
    ]


def _hiding_styles(root: etree._Element | None) -> dict[str, HiddenKind]:
    """The numbers of the cell styles that show nothing."""
    if root is None:
        return {}
    fonts = root.findall(f"{S}fonts/{S}font")
    fills = root.findall(f"{S}fills/{S}fill")
    formats = {f.get("numFmtId"): f.get("formatCode") for f in root.iter(f"{S}numFmt")}
    found: dict[str, HiddenKind] = {}
    for number, style in enumerate(root.findall(f"{S}cellXfs/{S}xf")):
        font = _at(fonts, style.get("fontId"))
        fill = _at(fills, style.get("fillId"))
        ink, ground = _ink(font), _ground(fill)
        if _SHOWS_NOTHING.fullmatch(formats.get(style.get("numFmtId")) or ""):
            found[str(number)] = HiddenKind.INVISIBLE
        elif font is not None and _size(font) < 1:
            found[str(number)] = HiddenKind.TINY
        elif ink is not None and ground is not None and alike(ink, ground):
            found[str(number)] = HiddenKind.WHITE
    return found


def _at(elements: list[etree._Element], place: str | None) -> etree._Element | None:
    index = int(place) if place and place.isdigit() else 0
    return elements[index] if index < len(elements) else None


def _size(font: etree._Element) -> float:
    size = font.find(f"{S}sz")
    try:
        return float((size.get("val") if size is not None else None) or 11)
    except ValueError:
        return 11.0


def _ink(font: etree._Element | None) -> Rgb | None:
    colour = None if font is None else font.find(f"{S}color")
    if colour is None:
        return None
    if colour.get("theme") == "0" and colour.get("tint") is None:
        return WHITE
    return office_colour(colour.get("rgb"))


def _ground(fill: etree._Element | None) -> Rgb | None:
    """White for a cell without a fill; None when its colour cannot be told."""
    pattern = None if fill is None else fill.find(f"{S}patternFill")
    if fill is not None and pattern is None:
        return None
    if pattern is None or pattern.get("patternType", "none") == "none":
        return WHITE
    colour = pattern.find(f"{S}fgColor")
    if colour is not None and colour.get("theme") == "0" and colour.get("tint") is None:
        return WHITE
    return None if colour is None else office_colour(colour.get("rgb"))


def _needs_look(data: bytes) -> bool:
    """Whether there is a formula without a result, or a row or column that is not shown."""
    return any(mark in data for mark in (*_BARE_FORMULA, *_ASIDE))


def _clean(
    root: etree._Element,
    styles: dict[str, HiddenKind],
    words: _SharedWords,
    number: int,
    found: list[HiddenText],
) -> bool:
    aside = cells_aside(root)
    found += _told(aside, words, number)
    for cell in (cell for row in aside for cell in row):
        _empty(cell)
    changed = bool(aside)
    for cell in root.iter(f"{S}c"):
        kind = styles.get(cell.get("s") or "")
        if kind is not None and words.of(cell).strip():
            found.append(HiddenText(text=words.of(cell), kind=kind, page=number))
            _empty(cell)
            changed = True
            continue
        formula = cell.find(f"{S}f")
        if formula is not None and (formula.text or "") and not words.of(cell):
            _show_formula(cell, f"={formula.text}")
            changed = True
    return changed


def _empty(cell: etree._Element) -> None:
    for child in list(cell):
        cell.remove(child)
    cell.attrib.pop("t", None)


def _show_formula(cell: etree._Element, text: str) -> None:
    _empty(cell)
    cell.set("t", "inlineStr")
    etree.SubElement(etree.SubElement(cell, f"{S}is"), f"{S}t").text = text


def _told(
    rows: Iterable[Iterable[etree._Element]], words: _SharedWords, number: int
) -> list[HiddenText]:
    """Rows of unseen cells as one text."""
    lines = ("\t".join(filter(None, map(words.of, row))) for row in rows)
    text = "\n".join(line for line in lines if line.strip())
    return [HiddenText(text=text, kind=HiddenKind.INVISIBLE, page=number)] if text else []


def _comments(parts: OfficeParts, sheet: str, number: int) -> list[HiddenText]:
    found: dict[str, None] = {}
    threaded = parts.related(sheet, "/threadedComment")
    for name in threaded or parts.related(sheet, "/comments"):
        root = parts.xml(name)
        for comment in (
            () if root is None else root.iter(f"{S}comment", f"{_THREADED}threadedComment")
        ):
            inner = comment.iter(f"{S}t", f"{_THREADED}text")
            found["".join(text.text or "" for text in inner)] = None
    return [
        HiddenText(text=text, kind=HiddenKind.COMMENT, page=number)
        for text in found
        if text.strip()
    ]
