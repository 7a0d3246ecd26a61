"""Text formats before docling sees them: one encoding, no clutter, no bottomless nesting."""

import re

import lxml.html
from bs4.dammit import UnicodeDammit
from lxml import etree

from adapters.docling.hidden_html import hidden_in_page
from adapters.docling.refusal import Refused
from domain.documents.structure import HiddenText

MAX_HTML_DEPTH = 150
_TAG = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9]*)([^<>]*)")
# Programs and remarks hold tags that nest nothing.
_NO_ELEMENTS = re.compile(
    rb"<!--.*?(?:-->|\Z)|<(script|style)\b[^>]*>.*?(?:</\1\b|\Z)", re.DOTALL | re.IGNORECASE
)
_VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
# Their end tag may be left out: the next one of the same name closes the last.
_IMPLIED = frozenset(b"p li dt dd tr td th thead tbody tfoot option optgroup colgroup".split())
_TITLES = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary"})
_QUOTES = frozenset({"blockquote", "figure"})
_LEAST_WORDS = 3
# So many letters beyond ASCII must be whole for one that is not.
_MOST_BROKEN = 20
_CLUTTER = (
    "script",
    "noscript",
    "template",
    "nav",
    "footer",
    "iframe",
    "svg",
    "canvas",
    "object",
    "select",
    "button",
    "label",
    "textarea",
    "dialog",
)


def readable_text(content: bytes) -> str:
    """Decode text of any common encoding; line ends become one line feed."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _lines(content.decode(encoding, "replace"))
    text = _mostly_utf8(content)
    return _lines(content.decode("cp1252", "replace") if text is None else text)


def _mostly_utf8(content: bytes) -> str | None:
    """The text when it is UTF-8, some of which may be damaged; one bad byte is no other code."""
    text = content.decode("utf-8", "replace")
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    beyond = sum(not letter.isascii() for letter in text) if broken else 0
    return text if broken * _MOST_BROKEN <= beyond - broken else None


def clean_html(content: bytes) -> tuple[bytes, str, list[HiddenText]]:
    """Return what a page shows but for navigation, scripts and footers, its title, what it hides.

    Raises Refused: nested too deeply, or nothing in it.
    """
    _check_depth(content)
    text = _mostly_utf8(content) or UnicodeDammit(content, is_html=True).unicode_markup
    if not text or not text.strip():
        raise Refused("the page holds no text")
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=False)
    root = lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    title = " ".join((root.findtext(".//title") or "").split())
    _keep_words(root)
    for element in list(root.iter(*_CLUTTER)):
        element.drop_tree()
    hidden = hidden_in_page(root)
    _decide_alone(root)
    for style in list(root.iter("style")):
        style.drop_tree()
    return lxml.html.tostring(root, encoding="utf-8", doctype="<!DOCTYPE html>"), title, hidden


def _keep_words(root: lxml.html.HtmlElement) -> None:
    """What is clutter elsewhere and text here: the questions of a list that unfolds, for one."""
    for element in list(root.iter("button", "footer", "dialog")):
        around = {parent.tag for parent in element.iterancestors()}
        words = str(element.text_content()).split()
        unfolds = element.get("aria-expanded") is not None and len(words) >= _LEAST_WORDS
        if element.tag == "button" and (unfolds or around & _TITLES):
            element.tag = "span" if around & _TITLES else "p"
        elif element.tag == "footer" and around & _QUOTES:
            element.tag = "p"
        elif element.tag == "dialog" and element.get("open") is not None:
            element.tag = "div"


def _decide_alone(root: lxml.html.HtmlElement) -> None:
    """docling drops by these attributes, and says nothing; what is left here can be seen."""
    for element in root.iter(etree.Element):
        for name in ("style", "hidden"):
            element.attrib.pop(name, None)
        # Kept from those who listen: mostly signs and letters that stand for pictures.
        is_aside = element.get("aria-hidden") is not None
        if is_aside and len(str(element.text_content()).split()) >= _LEAST_WORDS:
            element.attrib.pop("aria-hidden")


def _check_depth(content: bytes) -> None:
    open_tags: dict[bytes, int] = {}
    depth = 0
    for closing, name, attributes in _TAG.findall(_NO_ELEMENTS.sub(b"", content)):
        tag = name.lower()
        if tag in _VOID or attributes.endswith(b"/"):
            continue
        if closing:
            if open_tags.get(tag, 0):
                open_tags[tag] -= 1
                depth -= 1
        elif not (tag in _IMPLIED and open_tags.get(tag, 0) > MAX_HTML_DEPTH // 8):
            open_tags[tag] = open_tags.get(tag, 0) + 1
            depth += 1
        if depth > MAX_HTML_DEPTH:
            raise Refused(
                f"the page nests its elements more than {MAX_HTML_DEPTH} levels deep, "
                "which no real page does; save the page's text and send that"
            )


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
