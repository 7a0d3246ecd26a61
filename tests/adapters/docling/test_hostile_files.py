import contextlib
import struct
import time
import zipfile
import zlib
from io import BytesIO

import docx
import openpyxl  # type: ignore[import-untyped]  # ships no types
import pptx
import pytest

from adapters.docling import DoclingConverter
from domain.documents.converted_text import converted_text
from domain.documents.document import DocumentUnreadable
from domain.documents.media import MediaType
from fixtures.pdf_files import Text, pdf
from fixtures.photos import CAT
from fixtures.strange_pictures import OTHER_KINDS, gigapixels, with_pictures_swapped


async def refused(converter: DoclingConverter, media_type: MediaType, content: bytes) -> str:
    """The refusal's message; the converter must read the next file as if nothing happened."""
    with pytest.raises(DocumentUnreadable) as raised:
        await converter.convert(filename="file", media_type=media_type, content=content)
    after = await converter.convert(
        filename="next.md", media_type=MediaType.MARKDOWN, content=b"# Next"
    )
    assert after.title == "Next"
    return raised.value.message


def archive(**entries: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in entries.items():
            packed.writestr(name, data)
    return out.getvalue()


def workbook(*cells: str) -> bytes:
    book, out = openpyxl.Workbook(), BytesIO()
    for cell in cells:
        book.active[cell] = "x"
    book.save(out)
    return out.getvalue()


def word_document() -> bytes:
    document, out = docx.Document(), BytesIO()
    document.add_paragraph("Hello")
    document.save(out)
    return out.getvalue()


async def test_a_zip_bomb_is_refused(converter: DoclingConverter) -> None:
    bomb = archive(**{"word/document.xml": bytes(300_000_000)})

    assert len(bomb) < 400_000
    assert "unpacks to more than 256 MB" in await refused(converter, MediaType.DOCX, bomb)


async def test_a_zip_bomb_that_lies_about_its_size_is_refused(converter: DoclingConverter) -> None:
    bomb = bytearray(archive(**{"word/document.xml": bytes(2_000_000)}))
    directory = bomb.find(b"PK\x01\x02")
    struct.pack_into("<I", bomb, directory + 24, 100)
    struct.pack_into("<I", bomb, 22, 100)

    assert "damaged" in await refused(converter, MediaType.DOCX, bytes(bomb))


async def test_archives_inside_archives_are_counted_together(converter: DoclingConverter) -> None:
    inner = archive(**{"a": bytes(100_000_000)})
    nested = archive(**{f"word/{i}.docx": inner for i in range(3)})

    assert "unpacks to more than" in await refused(converter, MediaType.DOCX, nested)


async def test_bottomless_archives_are_refused(converter: DoclingConverter) -> None:
    content = archive(a=b"x")
    for _ in range(5):
        content = archive(**{"word/inner.zip": content})

    assert "archives into archives" in await refused(converter, MediaType.DOCX, content)


async def test_entities_in_office_xml_are_refused(converter: DoclingConverter) -> None:
    xml = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
    content = archive(**{"word/document.xml": xml})

    assert "entities" in await refused(converter, MediaType.DOCX, content)


async def test_one_far_cell_is_refused_and_named(converter: DoclingConverter) -> None:
    message = await refused(converter, MediaType.XLSX, workbook("A1", "XFD1048576"))

    assert "row 1,048,576, column 16,384" in message


async def test_far_cells_without_a_value_do_no_harm(converter: DoclingConverter) -> None:
    book, out = openpyxl.Workbook(), BytesIO()
    book.active["A1"] = "Only this"
    book.active["ZZ90000"].number_format = "0.00"
    book.save(out)

    structure = await converter.convert(
        filename="a.xlsx", media_type=MediaType.XLSX, content=out.getvalue()
    )
    assert len(structure.blocks) == 2


async def test_a_flood_in_a_sheet_costs_little(converter: DoclingConverter) -> None:
    sheet = b"<worksheet><sheetData><row>" + b"<c " * 500_000
    content = archive(**{"xl/workbook.xml": b"<x/>", "xl/worksheets/sheet1.xml": sheet})

    assert "damaged" in await refused(converter, MediaType.XLSX, content)


@pytest.mark.parametrize("tag", ["div", "span", "b", "table><tr><td", "ul><li", "blockquote"])
async def test_bottomless_html_is_refused(converter: DoclingConverter, tag: str) -> None:
    page = f"<{tag}>".encode() * 3_000 + b"text"

    assert "deep" in await refused(converter, MediaType.HTML, page)


async def test_paragraphs_that_are_never_closed_are_not_deep(converter: DoclingConverter) -> None:
    structure = await converter.convert(
        filename="old.html", media_type=MediaType.HTML, content=b"<p>One<br>two" * 400
    )
    assert len(structure.blocks) == 400


@pytest.mark.parametrize(
    "content", [b"<a" * 500_000, b"<" * 1_000_000, b"<a " + b"x=1 " * 100_000 + b">x"]
)
async def test_floods_of_markup_cost_little(converter: DoclingConverter, content: bytes) -> None:
    # Whether such a page is refused or read as text does not matter; that it ends soon does.
    started = time.monotonic()
    with contextlib.suppress(DocumentUnreadable):
        await converter.convert(filename="a", media_type=MediaType.HTML, content=content)
    assert time.monotonic() - started < 15


async def test_bottomless_markdown_is_refused(converter: DoclingConverter) -> None:
    assert "deeply" in await refused(converter, MediaType.MARKDOWN, b">" * 5_000 + b" x")


@pytest.mark.parametrize("media_type", [MediaType.DOCX, MediaType.PPTX, MediaType.XLSX])
async def test_office_files_that_are_something_else_are_refused(
    converter: DoclingConverter, media_type: MediaType
) -> None:
    assert "damaged" in await refused(converter, media_type, b"PK\x03\x04" + b"abc" * 100)
    assert "old Office format" in await refused(converter, media_type, b"\xd0\xcf\x11\xe0" * 9)
    other = workbook("A1") if media_type is not MediaType.XLSX else word_document()
    assert "is not a" in await refused(converter, media_type, other)


async def test_a_word_document_cut_off_is_refused(converter: DoclingConverter) -> None:
    content = word_document()

    assert "cut off" in await refused(converter, MediaType.DOCX, content[: len(content) // 2])


@pytest.mark.parametrize("media_type", [MediaType.MARKDOWN, MediaType.HTML, MediaType.CSV])
async def test_a_file_without_text_is_refused(
    converter: DoclingConverter, media_type: MediaType
) -> None:
    assert "no text" in await refused(converter, media_type, b" \n\n ")


@pytest.mark.parametrize(
    ("part", "declaration"),
    [
        ("word/document.xml", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'),
        ("word/comments.xml", b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd"><x/>'),
        ("docProps/core.xml", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'),
    ],
)
async def test_entities_of_the_outside_are_refused_in_every_part(
    converter: DoclingConverter, part: str, declaration: bytes
) -> None:
    content = archive(**{"word/document.xml": b"<x/>", part: declaration})

    assert "entities" in await refused(converter, MediaType.DOCX, content)


async def test_entities_of_a_page_stay_what_they_are(converter: DoclingConverter) -> None:
    page = b'<!DOCTYPE html [<!ENTITY a SYSTEM "file:///etc/passwd">]><p>Words &a; here</p>'
    structure = await converter.convert(filename="a.html", media_type=MediaType.HTML, content=page)
    assert "root:" not in repr(structure)


async def test_entities_that_multiply_in_utf_16_are_refused(converter: DoclingConverter) -> None:
    xml = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "aa">]><x>&a;</x>'
    content = archive(**{"word/document.xml": xml.encode("utf-16")})

    await refused(converter, MediaType.DOCX, content)


async def test_a_page_with_too_much_drawn_on_it_is_read_and_named(
    converter: DoclingConverter,
) -> None:
    dots = "\n".join(f"{i % 500} {i // 500} 5 5 re f" for i in range(31_000))
    page = pdf([Text(60, 60, "MARK"), Text(60, 90, "Read at last.")])
    content = page.replace(b"(MARK) Tj ET", b"() Tj ET " + dots.encode())
    structure = await converter.convert(filename="a.pdf", media_type=MediaType.PDF, content=content)

    assert [getattr(block, "text", "") for block in structure.blocks] == ["Read at last."]
    assert structure.warnings[0].endswith("hidden there: 1")


async def test_a_pdf_of_ten_thousand_pages_says_how_many(converter: DoclingConverter) -> None:
    assert "10,000 pages" in await refused(converter, MediaType.PDF, pdf(*[[]] * 10_000))


async def test_a_pdf_that_unpacks_to_a_flood_fails_alone(converter: DoclingConverter) -> None:
    # 18 MB of text operators in a few kilobytes.
    bomb = zlib.compress(b"BT /F1 9 Tf 9 9 Td (aaaaaaaa) Tj ET " * 500_000, 9)
    page = pdf([Text(60, 60, "MARK")], compressed=True)
    start = page.index(b"/Filter /FlateDecode")
    end = page.index(b"endstream", start)
    stream = b"/Filter /FlateDecode /Length %d >>\nstream\n%b\n" % (len(bomb), bomb)
    started = time.monotonic()
    with contextlib.suppress(DocumentUnreadable):
        await converter.convert(
            filename="a.pdf", media_type=MediaType.PDF, content=page[:start] + stream + page[end:]
        )
    assert time.monotonic() - started < 100
    after = await converter.convert(
        filename="next.md", media_type=MediaType.MARKDOWN, content=b"# Next"
    )
    assert after.title == "Next"


@pytest.mark.parametrize(
    "bomb", [gigapixels(), CAT[:900], *OTHER_KINDS.values()], ids=["vast", "cut", *OTHER_KINDS]
)
async def test_a_bomb_for_a_picture_costs_a_document_that_picture(
    converter: DoclingConverter, bomb: bytes
) -> None:
    deck, out = pptx.Presentation(), BytesIO()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Our prices"
    slide.shapes.add_picture(BytesIO(CAT), 0, 0)
    deck.save(out)
    structure = await converter.convert(
        filename="a.pptx",
        media_type=MediaType.PPTX,
        content=with_pictures_swapped(out.getvalue(), bomb),
    )

    assert "Our prices" in converted_text(structure)
    assert "picture 1 on slide 1" in structure.warnings[0]


@pytest.mark.parametrize("kind", OTHER_KINDS)
async def test_a_picture_of_another_kind_under_a_false_name_is_refused(
    converter: DoclingConverter, kind: str
) -> None:
    message = await refused(converter, MediaType.PNG, OTHER_KINDS[kind])
    assert message == "the file is no PNG picture, or is damaged"


@pytest.mark.parametrize("media_type", [MediaType.PDF, MediaType.PNG, MediaType.DOCX])
async def test_a_file_that_is_something_else_than_it_says_is_refused(
    converter: DoclingConverter, media_type: MediaType
) -> None:
    for content in (b"<html><p>Words</p></html>", b"\x00" * 100, b"MZ\x90\x00" * 50):
        message = await refused(converter, media_type, content)
        assert "damaged" in message or "not a PDF" in message


async def test_a_style_sheet_that_is_a_flood_costs_little(converter: DoclingConverter) -> None:
    css = b"<style>" + b"@media x{" * 20_000 + b".a{color:white}" * 20_000 + b"</style>"
    started = time.monotonic()
    await converter.convert(
        filename="a.html", media_type=MediaType.HTML, content=css + b"<p>Words</p>"
    )
    assert time.monotonic() - started < 15
