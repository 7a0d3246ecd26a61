"""Checks on a PDF before its pages are parsed: locked, cut off, too long, too large."""

import pypdfium2

from adapters.docling.refusal import Refused

MAX_PAGES = 1_000
MAX_PAGE_POINTS = 14_400


def screen_pdf(content: bytes) -> None:
    """Raises Refused."""
    if b"%PDF-" not in content[:1024]:
        raise Refused("the file is not a PDF, although it is named as one")
    if b"%%EOF" not in content:
        raise Refused("the PDF was cut off before its end; export or download it again")
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Refused(
                "the PDF is protected with a password; save a copy without one and send that"
            ) from error
        raise Refused("the PDF is damaged; export or download it again") from error
    try:
        _check_pages(document)
    finally:
        document.close()


def _check_pages(document: pypdfium2.PdfDocument) -> None:
    pages = len(document)
    if pages == 0:
        raise Refused("the PDF holds no pages; it is damaged or was cut off")
    if pages > MAX_PAGES:
        raise Refused(f"the PDF has {pages:,} pages; at most {MAX_PAGES:,} can be read: split it")
    for index in range(pages):
        if max(document.get_page_size(index)) > MAX_PAGE_POINTS:
            raise Refused(f"page {index + 1} of the PDF is larger than any sheet of paper")
