"""docling's readers of Word documents and slides, without the work that is thrown away here.

Headers, footers, comments, and where on a slide a text stands, are not taken over from docling;
notes and the pictures of slides have readers of their own.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from types import ModuleType

import docx.oxml.ns
import docx.oxml.xmlchemy
import pptx.oxml.ns
import pptx.oxml.xmlchemy
from docling.backend.mspowerpoint_backend import MsPowerpointDocumentBackend
from docling.backend.msword_backend import MsWordDocumentBackend
from docling_core.types.doc.base import BoundingBox, Size
from docling_core.types.doc.common.reference import ProvenanceItem
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.group import GroupItem
from docx.document import Document
from lxml import etree
from pptx.shapes.base import BaseShape

_PATHS = 1_000
_NOWHERE = BoundingBox(l=0, t=0, r=0, b=0)


class WordBackend(MsWordDocumentBackend):
    """Reads the body alone."""

    def _add_header_footer(self, docx_obj: Document, doc: DoclingDocument) -> None: ...

    def _add_comments(self, docx_obj: Document, doc: DoclingDocument) -> None: ...

    def _extract_comment_ranges(self) -> None: ...

    def _get_comment_ids_for_element(self, element: etree._Element) -> set[str]:
        return set()

    def _add_footnotes_and_endnotes(self, docx_obj: Document, doc: DoclingDocument) -> None: ...


class SlidesBackend(MsPowerpointDocumentBackend):
    """Tells the slide of a text, and not where on it; reads no pictures."""

    def _handle_pictures(
        self,
        shape: BaseShape,
        parent_slide: GroupItem,
        slide_ind: int,
        doc: DoclingDocument,
        slide_size: Size,
    ) -> None: ...

    def _generate_prov(
        self, shape: BaseShape, slide_ind: int, text: str = "", slide_size: Size | None = None
    ) -> ProvenanceItem:
        return ProvenanceItem(page_no=slide_ind + 1, charspan=(0, len(text)), bbox=_NOWHERE)


def compile_paths_once() -> None:
    """python-docx and python-pptx compile the same few paths anew for every paragraph."""
    _compile_once(docx.oxml.xmlchemy, docx.oxml.ns.nsmap)
    _compile_once(pptx.oxml.xmlchemy, pptx.oxml.ns._nsmap)


def _compile_once(library: ModuleType, namespaces: dict[str, str]) -> None:
    @lru_cache(_PATHS)
    def compiled(path: str) -> etree.XPath:
        return etree.XPath(path, namespaces=namespaces)

    def xpath(element: etree._Element, path: str) -> object:
        return compiled(path)(element)

    named: Callable[[str], str] = library.qn
    # Neither library lets its callers hand these in; only a reading child has them in place.
    setattr(library.BaseOxmlElement, "xpath", xpath)  # noqa: B010 - assigned over on purpose
    setattr(library, "qn", cache(named))  # noqa: B010 - the same
