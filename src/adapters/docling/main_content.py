"""What a page of the web is about, without what stands around it on every page of its site."""

import lxml.html

# Less than this is a teaser or a consent form, and the page is read whole.
_LEAST_CHARACTERS = 80
_HEADER_MARK = "caption-of-table"


def main_content(page: bytes) -> bytes:
    """The main content as a page of its own; `page` itself where none can be told.

    `page` is UTF-8 and was screened: no scripts, no bottomless nesting.
    """
    # Costs a sixth of a second, and only pages of the web need it.
    from trafilatura import extract

    root = _parsed(page)
    _mark_captions(root)
    found = extract(
        root,
        output_format="html",
        include_comments=False,
        include_tables=True,
        include_images=True,
        include_formatting=True,
        favor_recall=True,
    )
    if not found:
        return page
    content = _parsed(found.encode())
    if len(content.text_content().strip()) < _LEAST_CHARACTERS:
        return page
    _restore_captions(content)
    html: bytes = lxml.html.tostring(content, encoding="utf-8", doctype="<!DOCTYPE html>")
    return html


def _parsed(page: bytes) -> "lxml.html.HtmlElement":
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True)
    return lxml.html.document_fromstring(page, parser=parser)


def _mark_captions(root: "lxml.html.HtmlElement") -> None:
    """The extraction takes a caption for a cell; a mark tells it from the header again."""
    for caption in root.iter("caption"):
        caption.text = f"{_HEADER_MARK} {' '.join(caption.text_content().split())}"
        for child in list(caption):
            caption.remove(child)


def _restore_captions(content: "lxml.html.HtmlElement") -> None:
    for cell in list(content.iter("td", "th")):
        text = " ".join(cell.text_content().split())
        if not text.startswith(_HEADER_MARK):
            continue
        row = cell.getparent()
        table = next(row.iterancestors("table"), None)
        caption = lxml.html.Element("caption")
        caption.text = text.removeprefix(_HEADER_MARK).strip()
        row.drop_tree()
        if table is not None:
            table.insert(0, caption)
