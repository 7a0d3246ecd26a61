"""Comments and hidden elements in Markdown, taken out and told; code is left as it is."""

import re

import lxml.html

from adapters.docling.hidden_html import is_telling
from adapters.docling.hidden_styles import Paint, declarations, hides
from domain.documents.structure import HiddenKind, HiddenText

_CODE = re.compile(r"(^(`{3,}|~{3,}).*?^\2[^\n]*$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_LABEL = re.compile(
    r"""^\[(?://|comment|#)[^\]]*\]:\s*(?:#|<>)\s*[("'](.*?)[)"']\s*$""", re.M | re.I
)
_ELEMENT = re.compile(
    r"""<([a-z][a-z0-9]*)\b([^<>]*\b(?:style|hidden)\b[^<>]*)>(.*?)</\1\s*>""", re.DOTALL | re.I
)


def without_hidden(text: str) -> tuple[str, list[HiddenText]]:
    """The Markdown that is shown, and what was hidden in it."""
    if "<" not in text and "[" not in text:
        return text, []
    found: list[HiddenText] = []
    pieces: list[str] = []
    end = 0
    for code in _CODE.finditer(text):
        pieces += [_cleaned(text[end : code.start()], found), code[0]]
        end = code.end()
    pieces.append(_cleaned(text[end:], found))
    return "".join(pieces), found


def _cleaned(text: str, found: list[HiddenText]) -> str:
    def comment(match: re.Match[str]) -> str:
        if is_telling(match[1]):
            found.append(HiddenText(text=match[1].strip(), kind=HiddenKind.COMMENT))
        return ""

    def element(match: re.Match[str]) -> str:
        kind = _kind(match[1], match[2])
        if kind is None:
            return match[0]
        said = " ".join(re.sub(r"<[^<>]*>", " ", match[3]).split())
        if said:
            found.append(HiddenText(text=said, kind=kind))
        return ""

    return _ELEMENT.sub(element, _LABEL.sub(comment, _COMMENT.sub(comment, text)))


def _kind(tag: str, attributes: str) -> HiddenKind | None:
    element = lxml.html.fragment_fromstring(f"<{tag}{attributes}></{tag}>")
    style = declarations(element.get("style") or "")
    if element.get("hidden") is not None:
        return HiddenKind.INVISIBLE
    return hides(style) or (HiddenKind.WHITE if Paint().with_style(style).hides_text else None)
