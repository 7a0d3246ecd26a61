"""Comments in Markdown, taken out and told; code is left as it is."""

import re

from adapters.docling.hidden_html import is_telling
from domain.documents.structure import HiddenKind, HiddenText

# What begins first counts: marks of code within a comment are a part of it, or a comment of code.
_APART = re.compile(
    r"(?P<code>^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[^\n]*$|`[^`\n]+`)"
    r"|<!--(?P<comment>.*?)(?:-->|\Z)|<\?(?P<order>.{0,500}?)\?>"
    r"|<!\[CDATA\[(?P<data>.{0,500}?)\]\]>|<!(?P<declared>[A-Za-z][^>]{0,500})>",
    re.MULTILINE | re.DOTALL,
)
_LABEL = re.compile(
    r"""^\[(?://|comment|\#)[^\]\n]*\]:\s*(?:\#|<\#?>)\s*
    [("']((?:[^\n]|\n(?!\s*\n)){0,2000}?)[)"']\s*$""",
    re.MULTILINE | re.IGNORECASE | re.VERBOSE,
)
_STYLED = re.compile(r"<[a-z][a-z0-9-]*\s[^<]*?\b(?:style|hidden|class|id|color)\b", re.I)


def without_hidden(text: str) -> tuple[str, list[HiddenText], bool]:
    """The Markdown without its comments, what they say, and whether it has elements of HTML that
    may hide something: only the page that they make can tell."""
    if "<" not in text and "[" not in text:
        return text, [], False
    found: list[HiddenText] = []
    pieces: list[str] = []
    end = 0
    is_styled = False
    for apart in _APART.finditer(text):
        between = text[end : apart.start()]
        is_styled = is_styled or _STYLED.search(between) is not None
        pieces.append(_unlabelled(between, found))
        if apart["code"]:
            pieces.append(apart["code"])
        else:
            said = next(apart[name] for name in _COMMENTS if apart[name] is not None)
            _tell(said, found)
        end = apart.end()
    rest = text[end:]
    pieces.append(_unlabelled(rest, found))
    return "".join(pieces), found, is_styled or _STYLED.search(rest) is not None


def _unlabelled(text: str, found: list[HiddenText]) -> str:
    """Without the names of links that nobody uses, which some write remarks in."""

    def label(match: re.Match[str]) -> str:
        _tell(match[1], found)
        return ""

    return _LABEL.sub(label, text)


def _tell(said: str, found: list[HiddenText]) -> None:
    if is_telling(said):
        found.append(HiddenText(text=said.strip(), kind=HiddenKind.COMMENT))


_COMMENTS = ("comment", "order", "data", "declared")
