"""Text of a web page that its readers do not see: taken out of the page and told."""

import re

import lxml.html
from lxml import etree

from adapters.docling.hidden_styles import Paint, hides
from adapters.docling.metadata import addresses_a_machine, speaking
from adapters.docling.style_sheet import Element, StyleSheet
from domain.documents.structure import HiddenKind, HiddenText
from domain.documents.unseen import without_unseen

_COMMENT_WORDS = 4
_NO_PROSE = re.compile(r"[<>{}=\[\]]|https?://|^\s*#")
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LETTERS = re.compile(r"[^\W\d_]{2,}")


def hidden_in_page(root: lxml.html.HtmlElement) -> list[HiddenText]:
    """Take what is hidden out of the tree and return it in the order of the page."""
    sheet = StyleSheet("\n".join(style.text or "" for style in root.iter("style")))
    found = _metadata(root)
    found += _unseen_elements(root, sheet)
    for comment in list(root.iter(etree.Comment)):
        text = comment.text or ""
        if is_telling(text):
            found.append(HiddenText(text=text.strip(), kind=HiddenKind.COMMENT))
        if comment.getparent() is not None:
            comment.drop_tree()
    return found + _unseen_characters(root)


def _unseen_characters(root: lxml.html.HtmlElement) -> list[HiddenText]:
    """docling drops such characters without a word, so they are looked for before it."""
    found: list[HiddenText] = []
    for element in root.iter():
        for place in ("text", "tail"):
            text = getattr(element, place)
            if text and not text.isascii():
                shown, hidden = without_unseen(text)
                found += hidden
                setattr(element, place, _NO_XML.sub("", shown))
    return found


def is_telling(comment: str) -> bool:
    """Whether a comment says something to a reader, not to whoever maintains the page."""
    if addresses_a_machine(comment):
        return True
    return len(_LETTERS.findall(comment)) >= _COMMENT_WORDS and not _NO_PROSE.search(comment)


def _metadata(root: lxml.html.HtmlElement) -> list[HiddenText]:
    fields = [meta.get("content") or "" for meta in root.iter("meta")]
    return speaking([field for field in fields if field.strip()], prose_too=False)


def _unseen_elements(root: lxml.html.HtmlElement, sheet: StyleSheet) -> list[HiddenText]:
    found: list[HiddenText] = []
    stack: list[tuple[lxml.html.HtmlElement, Paint, Element | None]] = [(root, Paint(), None)]
    while stack:
        element, paint, parent = stack.pop()
        if not isinstance(element.tag, str) or element.tag in ("head", "script", "style"):
            continue
        placed = Element.of(element, parent)
        style = sheet.style_of(placed, element.get("style") or "")
        kind = hides(style) if style else None
        if element.get("hidden") is not None:
            kind = HiddenKind.INVISIBLE
        if kind is not None and element is not root:
            found += _told(kind, str(element.text_content()))
            element.drop_tree()
            continue
        paint = _painted(paint, element, style)
        if paint.hides_text:
            found += _told(HiddenKind.WHITE, _own_text_out(element))
        stack += [(child, paint, placed) for child in reversed(list(element))]
    return found


def _painted(paint: Paint, element: lxml.html.HtmlElement, style: dict[str, str]) -> Paint:
    old = {"color": element.get("color") or "", "background": element.get("bgcolor") or ""}
    said = {name: value for name, value in old.items() if value} | style
    return paint.with_style(said) if said else paint


def _own_text_out(element: lxml.html.HtmlElement) -> str:
    """Take out what stands in the element itself, not in the elements within it."""
    texts = [element.text or ""]
    element.text = None
    for child in element:
        texts.append(child.tail or "")
        child.tail = " " if child.tail else None
    return " ".join(texts)


def _told(kind: HiddenKind, text: str) -> list[HiddenText]:
    said = " ".join(text.split())
    return [HiddenText(text=said, kind=kind)] if said else []
