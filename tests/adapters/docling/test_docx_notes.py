"""Notes of a Word document come to stand after what refers to them."""

import zipfile
from io import BytesIO

from adapters.docling.docx_notes import bring_notes
from adapters.docling.office_parts import OfficeParts

_NAMES = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_LINKS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    "{}</Relationships>"
)
_TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_LIST = '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'


def document(body: str, **parts: str) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(
            "word/document.xml", f"<w:document {_NAMES}><w:body>{body}</w:body></w:document>"
        )
        packed.writestr("_rels/.rels", links(officeDocument="word/document.xml"))
        packed.writestr(
            "word/_rels/document.xml.rels", links(**{name: f"{name}.xml" for name in parts})
        )
        for name, content in parts.items():
            packed.writestr(f"word/{name}.xml", f"<w:{name} {_NAMES}>{content}</w:{name}>")
    return file.getvalue()


def links(**targets: str) -> str:
    return _LINKS.format(
        "".join(
            f'<Relationship Id="r{kind}" Type="{_TYPES}/{kind}" Target="{target}"/>'
            for kind, target in targets.items()
        )
    )


def paragraph(text: str, notes: str = "", properties: str = "") -> str:
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r>{notes}</w:p>"


def with_notes(content: bytes) -> bytes:
    parts = OfficeParts(content)
    bring_notes(parts)
    return parts.content


def refer(kind: str, number: int) -> str:
    return f'<w:r><w:{kind}Reference w:id="{number}"/></w:r>'


def note(kind: str, number: int, text: str) -> str:
    return f'<w:{kind} w:id="{number}">{paragraph(text)}</w:{kind}>'


def texts(content: bytes) -> list[str]:
    with zipfile.ZipFile(BytesIO(content)) as packed:
        xml = packed.read("word/document.xml").decode()
    return [part.partition("<")[0] for part in xml.split("<w:t>")[1:]]


def test_notes_follow_their_paragraph_in_their_order() -> None:
    both = refer("footnote", 2) + refer("endnote", 2)
    content = document(
        paragraph("One.", both) + paragraph("Two.", refer("footnote", 3)) + paragraph("Three."),
        footnotes=note("footnote", 0, "") + note("footnote", 2, "A") + note("footnote", 3, "C"),
        endnotes=note("endnote", 2, "B"),
    )

    assert texts(with_notes(content)) == ["One.", "A", "B", "Two.", "C", "Three."]


def test_the_notes_of_a_list_follow_the_list() -> None:
    content = document(
        paragraph("First", refer("footnote", 2), _LIST)
        + paragraph("Second", properties=_LIST)
        + paragraph("After."),
        footnotes=note("footnote", 2, "A"),
    )

    assert texts(with_notes(content)) == ["First", "Second", "A", "After."]


def test_a_note_that_nothing_refers_to_is_not_shown_and_a_lost_one_is_no_fault() -> None:
    content = document(
        paragraph("One.", refer("footnote", 9)), footnotes=note("footnote", 2, "Unseen")
    )

    assert texts(with_notes(content)) == ["One."]


def test_a_document_without_notes_is_left_as_it_is() -> None:
    content = document(paragraph("One."))

    assert with_notes(content) is content
