"""Footnotes and endnotes of a Word document, brought to where they are referred to."""

from lxml import etree

from adapters.docling.office_parts import OfficeParts, W

_KINDS = ("footnote", "endnote")
_Notes = dict[tuple[str, str], str]


def bring_notes(parts: OfficeParts) -> None:
    """Make each note a paragraph of its own, after the one that refers to it.

    docling reads none of them. A note of a list's item follows the list.
    """
    notes = _notes(parts)
    document = parts.kept(parts.main) if notes else None
    if document is None:
        return
    references = document.iter(*(f"{W}{kind}Reference" for kind in _KINDS))
    # From the last on, so that the notes of one paragraph come to stand in their order.
    for reference in reversed(list(references)):
        kind = etree.QName(reference).localname.removesuffix("Reference")
        text = notes.pop((kind, reference.get(f"{W}id") or ""), "")
        paragraph = next(reference.iterancestors(f"{W}p"), None)
        if text and paragraph is not None:
            _end_of_list(paragraph).addnext(_paragraph(text))
    parts.change(parts.main, document)


def _notes(parts: OfficeParts) -> _Notes:
    """Texts by kind and id; the lines that separate notes from the text have none."""
    found: _Notes = {}
    for kind in _KINDS:
        roots = map(parts.kept, parts.related(parts.main, f"/{kind}s"))
        for note in (n for root in roots if root is not None for n in root.iter(f"{W}{kind}")):
            paragraphs = (
                "".join(t.text or "" for t in p.iter(f"{W}t")) for p in note.iter(f"{W}p")
            )
            text = " ".join(" ".join(paragraphs).split())
            if text:
                found[kind, note.get(f"{W}id") or ""] = text
    return found


def _end_of_list(paragraph: etree._Element) -> etree._Element:
    following = paragraph.getnext()
    while _is_item(paragraph) and following is not None and _is_item(following):
        paragraph, following = following, following.getnext()
    return paragraph


def _is_item(element: etree._Element) -> bool:
    style = element.find(f"{W}pPr/{W}pStyle")
    named = style is not None and (style.get(f"{W}val") or "").startswith("List")
    return named or element.find(f"{W}pPr/{W}numPr") is not None


def _paragraph(text: str) -> etree._Element:
    paragraph = etree.Element(f"{W}p")
    etree.SubElement(etree.SubElement(paragraph, f"{W}r"), f"{W}t").text = text
    return paragraph
