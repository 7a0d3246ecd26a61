"""Markdown with elements of HTML in it, as the page that it stands for.

docling shows such elements as they are written; a reader of the rendered text never sees a tag.
"""

import re

from marko.ext.gfm import gfm

_FENCED = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?^ {0,3}\1[^\n]*$", re.MULTILINE | re.DOTALL)
_ELEMENT = re.compile(r"^ {0,3}</?[A-Za-z][A-Za-z0-9-]*(?:[ \t/>]|$)", re.MULTILINE)


def page_of(text: str, *, whatever: bool = False) -> bytes | None:
    """The rendered page in UTF-8; None when no line begins with an element, unless `whatever`."""
    if not whatever and not _ELEMENT.search(_FENCED.sub("", text)):
        return None
    return f"<!DOCTYPE html><html><body>{gfm.convert(text)}</body></html>".encode()
