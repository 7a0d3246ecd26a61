"""docling's reader of pages over a tree that finds elements by their names at once.

Beautiful Soup makes rules of every name that it is asked for, and docling asks it at every element.
"""

from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup, ResultSet, Tag
from bs4.element import PageElement
from bs4.filter import ElementFilter
from docling.backend.html_backend import _PARA_BREAKERS, HTMLDocumentBackend
from docling.datamodel.backend_options import HTMLBackendOptions
from docling.datamodel.document import InputDocument

if TYPE_CHECKING:
    from bs4._typing import (
        _QueryResults,
        _StrainableAttribute,
        _StrainableAttributes,
        _StrainableString,
    )
    from bs4._typing import _StrainableElement as _Strainable


class _Element(Tag):
    def _find_all(
        self,
        name: "_Strainable | ElementFilter | None",
        attrs: "_StrainableAttributes | None",
        string: "_StrainableString | None",
        limit: int | None,
        generator: Iterator[PageElement],
        **kwargs: "_StrainableAttribute",
    ) -> "_QueryResults":
        is_it = _named(name)
        if is_it is None or attrs or string is not None or kwargs:
            return super()._find_all(name, attrs, string, limit, generator, **kwargs)
        found = (e for e in generator if isinstance(e, Tag) and is_it(e))
        return ResultSet(None, islice(found, limit or None))


class _Tree(_Element, BeautifulSoup):
    """A page of such elements."""


class QuickPageBackend(HTMLDocumentBackend):
    """Reads the same of a page as docling does."""

    def __init__(
        self,
        in_doc: InputDocument,
        path_or_stream: BytesIO | Path,
        options: HTMLBackendOptions | None = None,
    ) -> None:
        super().__init__(in_doc, BytesIO(), options)
        page = (
            path_or_stream.getvalue()
            if isinstance(path_or_stream, BytesIO)
            else path_or_stream.read_bytes()
        )
        self.soup = _Tree(page, "html.parser", element_classes={Tag: _Element})


def open_paragraphs_only() -> None:
    """Let docling mend paragraphs that hold blocks where there are some.

    It asks a CSS engine for them; what lxml has read seldom has any.
    """
    mend = HTMLDocumentBackend._fix_invalid_paragraph_structure

    def mend_some(soup: BeautifulSoup) -> None:
        if any(p.find(_PARA_BREAKERS) for p in soup.find_all("p")):
            mend(soup)

    setattr(HTMLDocumentBackend, mend.__name__, staticmethod(mend_some))


def _named(name: object) -> Callable[[Tag], bool] | None:
    """Tells the elements that are asked for; None when not by a name, some names or a function."""
    if isinstance(name, str):
        return lambda element: element.name == name
    if isinstance(name, list | set) and all(isinstance(one, str) for one in name):
        return lambda element: element.name in name
    return name if isinstance(name, FunctionType) else None
